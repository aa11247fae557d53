//! Numbers as strings of decimal digits: JSON readers hold numbers as floats, which end at 2^53.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<T: Display, S: Serializer>(number: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(number)
}

pub(super) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let digits = Cow::<str>::deserialize(from)?;
    digits.parse().map_err(|_| D::Error::custom("not a number"))
}
