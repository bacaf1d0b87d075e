//! `orb config …`: find settings, see what is in force, begin a settings file.
//!
//! In: the sources of settings. Out: text for people, JSON for scripts, a settings file. May touch: that one file.
//! Must not touch: what a setting does or means; `settings` knows the latter.

mod init;
mod lists;
mod show;

use clap::Subcommand;
use orb_crawl::CrawlConfig;

use crate::exit::{Failure, Outcome};
use crate::settings::Reference;

#[cfg(test)]
pub(crate) use lists::settings_markdown;

/// `orb config …`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting with its value and where that came from, or all about one of them.
    Show(Box<show::ShowArgs>),
    /// Write a settings file with every key, its meaning and its default, ready to be edited.
    Init(init::InitArgs),
    /// Print what each setting means.
    Keys(lists::KeysArgs),
    /// Print the profiles: what each sets, and why.
    Profiles(lists::ProfilesArgs),
    /// Print a JSON schema of the settings file, for editors that complete and check.
    #[command(after_help = "\
Example:  orb config schema > orb.schema.json
Editors that know Taplo use it when the settings file begins with:  #:schema ./orb.schema.json")]
    Schema,
}

/// Runs `orb config …`.
pub(crate) fn run(command: &ConfigCommand) -> Outcome {
    match command {
        ConfigCommand::Show(args) => show::run(args),
        ConfigCommand::Init(args) => init::run(args),
        ConfigCommand::Keys(args) => lists::keys(args),
        ConfigCommand::Profiles(args) => lists::profiles(args),
        ConfigCommand::Schema => lists::schema(),
    }
}

/// What every setting of a crawl means.
fn reference() -> Result<Reference, Failure> {
    Reference::of::<CrawlConfig>().map_err(Failure::bug)
}

/// No such key: what was probably meant.
fn unknown(reference: &Reference, key: &str) -> Failure {
    let guess = reference
        .nearest(key)
        .map_or_else(String::new, |guess| format!(", did you mean `{guess}`?"));
    Failure::usage_text(format!(
        "no setting and no group of settings is called `{key}`{guess} (all of them: `orb config keys`)"
    ))
}
