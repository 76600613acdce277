//! hearthd
fn main(){}
