//! What must hold whatever a protocol does, from wherever it does it.

mod choices;
mod every_course;
mod kernel;
mod player;
mod rules;
