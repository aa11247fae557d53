//! The front door: what people and programs give, and what they get.

mod answers;
mod configuration;
mod credentials;
mod desk;
mod desk_diagnostics;
mod desk_services;
mod diagnostics;
mod display;
mod errors;
mod surroundings;
mod usage;
mod writes;

pub(crate) use surroundings::{Said, Setting};

use desk::Desk;
