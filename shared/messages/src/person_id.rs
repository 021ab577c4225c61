//! National identity numbers.
/// A national identity number.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonId(());
