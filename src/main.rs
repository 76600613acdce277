//! hearthd
fn main() {}
