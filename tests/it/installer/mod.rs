//! The action's installer, run by bash as a step of a runner runs it, with releases of its own.

mod action_checkout;
mod cache;
mod failures;
mod provenance;
mod sources;
