//! The front door: what people and programs give, and what they get.

mod answers;
mod configuration;
mod desk;
mod desk_services;
mod display;
mod errors;
mod surroundings;
mod usage;
mod writes;

use desk::Desk;
use surroundings::{Said, Setting};
