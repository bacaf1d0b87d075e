//! Help that fits any width.
//!
//! In: the command line as it is declared. Out: the same, its closing texts flowing. May touch: nothing.
//! Invariant: only line ends inside of a paragraph go; examples and tables, which are indented, stay as written.

use clap::Command;

/// Lets the text behind the options of each command flow: clap breaks long lines, but never joins short ones, so text that
/// is broken for the source would be broken twice on a narrow terminal.
pub(crate) fn flowing(command: Command) -> Command {
    let text = command.get_after_help().map(ToString::to_string);
    let mut command = match text {
        Some(text) => command.after_help(joined(&text)),
        None => command,
    };
    let names: Vec<String> = command
        .get_subcommands()
        .map(|one| one.get_name().to_owned())
        .collect();
    for name in names {
        command = command.mut_subcommand(name, flowing);
    }
    command
}

fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = "";
    for line in text.lines() {
        let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
        if !out.is_empty() {
            let goes_on = is_prose(before) && is_prose(line) && !before.ends_with(':');
            out.push(if goes_on { ' ' } else { '\n' });
        }
        out.push_str(line);
        before = line;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn paragraphs_flow_and_examples_stay() {
        let text =
            "Examples:\n  orb a\n  orb b\n\nOne sentence\nand another:\n  x  1\n  y  2\nThe\nend.";
        let expected =
            "Examples:\n  orb a\n  orb b\n\nOne sentence and another:\n  x  1\n  y  2\nThe end.";
        assert_eq!(joined(text), expected);
    }
}
