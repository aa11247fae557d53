//! Custom fields: a `google.protobuf.Struct` outside, compact JSON inside.

use case_domain::{CUSTOM_FIELDS_BYTES_MAX, CustomFields};
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::{Map, Number};

/// Beyond this, a floating-point number does not hold every integer: 2^53.
const EXACT_INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

/// Checks a struct. An empty one is unset; the error text is for the caller.
pub fn custom_fields_from_pb(fields: &Struct) -> Result<Option<CustomFields>, String> {
    if fields.fields.is_empty() {
        return Ok(None);
    }
    let json = object(fields).ok_or("holds a number that JSON cannot express (infinite or not a number)")?;
    CustomFields::new(&json.to_string())
        .map(Some)
        .map_err(|size| format!("is {size} bytes as JSON, at most {CUSTOM_FIELDS_BYTES_MAX} are allowed"))
}

/// To the wire; `None` where the text is not the object that [`custom_fields_from_pb`] wrote.
pub fn custom_fields_to_pb(fields: &CustomFields) -> Option<Struct> {
    match serde_json::from_str(fields.as_str()).ok()? {
        serde_json::Value::Object(map) => Some(structure(map)),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_)
        | serde_json::Value::Array(_) => None,
    }
}

fn object(fields: &Struct) -> Option<serde_json::Value> {
    let entries: Option<Map<_, _>> = fields.fields.iter().map(|(key, v)| Some((key.clone(), json(v)?))).collect();
    entries.map(serde_json::Value::Object)
}

fn json(value: &Value) -> Option<serde_json::Value> {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Some(serde_json::Value::Null),
        Some(Kind::BoolValue(flag)) => Some((*flag).into()),
        Some(Kind::StringValue(text)) => Some(text.clone().into()),
        Some(Kind::NumberValue(number)) => json_number(*number).map(serde_json::Value::Number),
        Some(Kind::StructValue(fields)) => object(fields),
        Some(Kind::ListValue(list)) => {
            list.values.iter().map(json).collect::<Option<Vec<_>>>().map(serde_json::Value::Array)
        }
    }
}

/// Whole numbers are written without a fraction.
fn json_number(number: f64) -> Option<Number> {
    if number.fract() == 0.0 && number.abs() <= EXACT_INTEGER_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 2^53")]
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}

fn structure(map: Map<String, serde_json::Value>) -> Struct {
    Struct { fields: map.into_iter().map(|(key, value)| (key, wire(value))).collect() }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: f64) -> Struct {
        let value = Value { kind: Some(Kind::NumberValue(number)) };
        Struct { fields: [("n".to_owned(), value)].into() }
    }

    #[test]
    fn whole_numbers_have_no_fraction_and_read_back() {
        for (given, text) in [
            (3.0, r#"{"n":3}"#),
            (-0.5, r#"{"n":-0.5}"#),
            (1e300, r#"{"n":1e+300}"#),
            // A reader that is only nearly exact makes another number of it.
            (1.000_000_002_485_702_3e300, r#"{"n":1.0000000024857023e+300}"#),
        ] {
            let fields = custom_fields_from_pb(&number(given)).unwrap().unwrap();
            assert_eq!(fields.as_str(), text);
            assert_eq!(custom_fields_to_pb(&fields), Some(number(given)));
        }
    }

    #[test]
    fn numbers_that_json_lacks_are_refused() {
        assert!(custom_fields_from_pb(&number(f64::NAN)).unwrap_err().contains("JSON cannot express"));
        assert!(custom_fields_from_pb(&number(f64::INFINITY)).is_err());
    }

    #[test]
    fn the_limit_is_on_the_json_text() {
        let text = |chars: usize| {
            let value = Value { kind: Some(Kind::StringValue("x".repeat(chars))) };
            Struct { fields: [("k".to_owned(), value)].into() }
        };
        let around = r#"{"k":""}"#.len();
        assert!(custom_fields_from_pb(&text(CUSTOM_FIELDS_BYTES_MAX - around)).is_ok());
        assert!(custom_fields_from_pb(&text(CUSTOM_FIELDS_BYTES_MAX - around + 1)).unwrap_err().contains("8193 bytes"));
    }
}
