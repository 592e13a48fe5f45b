//! The measures.

pub mod churn;
pub mod counts;
pub mod crowd;
pub mod idle;
pub mod pace;
