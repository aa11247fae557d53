//! Custom fields: JSON here, a `google.protobuf.Struct` on the wire.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::{Map, Number};

/// Beyond this, a floating-point number does not hold every integer: 2^53.
const EXACT_INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

/// From the wire.
pub(crate) fn json(fields: &Struct) -> Map<String, serde_json::Value> {
    fields.fields.iter().map(|(name, value)| (name.clone(), json_value(value))).collect()
}

/// To the wire.
pub(crate) fn structure(map: Map<String, serde_json::Value>) -> Struct {
    Struct { fields: map.into_iter().map(|(name, value)| (name, wire(value))).collect() }
}

/// One value for people: texts without quotes.
pub(crate) fn shown(value: &Value) -> String {
    let value = json_value(value);
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn json_value(value: &Value) -> serde_json::Value {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
        Some(Kind::BoolValue(flag)) => (*flag).into(),
        Some(Kind::StringValue(text)) => text.clone().into(),
        Some(Kind::NumberValue(number)) => json_number(*number),
        Some(Kind::StructValue(fields)) => serde_json::Value::Object(json(fields)),
        Some(Kind::ListValue(list)) => list.values.iter().map(json_value).collect(),
    }
}

/// Whole numbers are written without a fraction; those that JSON lacks as null, as `serde_json` does.
fn json_number(number: f64) -> serde_json::Value {
    if number.fract() == 0.0 && number.abs() <= EXACT_INTEGER_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 2^53")]
        return serde_json::Value::from(number as i64);
    }
    Number::from_f64(number).map_or(serde_json::Value::Null, serde_json::Value::Number)
}

fn wire(value: serde_json::Value) -> Value {
    let kind = match value {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(flag) => Kind::BoolValue(flag),
        serde_json::Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Kind::StringValue(text),
        serde_json::Value::Array(values) => {
            Kind::ListValue(ListValue { values: values.into_iter().map(wire).collect() })
        }
        serde_json::Value::Object(map) => Kind::StructValue(structure(map)),
    };
    Value { kind: Some(kind) }
}
