//! The program: command line, settings, terminal output.

#[cfg_attr(
    not(test),
    expect(
        dead_code,
        unused_imports,
        reason = "the command line is not there yet"
    )
)]
mod settings;

fn main() {}
