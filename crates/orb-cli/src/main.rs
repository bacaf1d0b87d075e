//! The program: command line, settings, terminal output.

fn main() {}
