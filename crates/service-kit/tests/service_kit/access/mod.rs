//! Who is let in: tokens, certificates, roles, rates, and what is recorded of those who are not.

mod certificates;
mod events;
mod identity;
mod keys;
mod provider;
mod rates;
mod roles;
mod tokens;
