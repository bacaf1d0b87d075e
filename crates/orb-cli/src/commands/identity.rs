//! `orb identity`: who the crawler says it is, and the texts that site owners need.
//!
//! In: settings, addresses, a domain. Out: headers; a web page, address ranges, zone lines, firewall rules.
//! May touch: nothing but the settings. Invariant: what is told is what a crawl with these settings would send.

use clap::{Args, Subcommand, ValueEnum};
use ipnet::IpNet;
use orb_crawl::CrawlConfig;
use orb_env::{BootClock, Clock};
use orb_identity::{Introduction, Manners};
use orb_robots::limits::FRESH_FOR;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::identity::{IdentityError, introduce};
use crate::machine::Machine;
use crate::settings_args::{SettingsArgs, range};
use crate::terminal::{harmless, note, say, say_json};

/// `orb identity …`
#[derive(Debug, Subcommand)]
pub(crate) enum IdentityCommand {
    /// Tell what every request says of who sends it.
    Show(Box<ShowArgs>),
    /// Print what to publish about the crawler: a web page, its addresses, names for them.
    Page(Box<PageArgs>),
    /// Print rules for this machine's firewall that keep the crawler from guarded addresses: a second layer.
    Firewall(Box<FirewallArgs>),
}

/// Arguments of `orb identity firewall`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  orb identity firewall --user orbweaver > orbweaver.nft && nft -f orbweaver.nft

The crawler refuses guarded addresses by itself; these rules of nftables drop what it would send there all the
same, and touch nobody else's packets. What --allow-net opens is open in them too. Its name server passes when
it is named by --dns or dns.servers. They last until the next boot: load them where the machine loads its own.")]
pub(crate) struct FirewallArgs {
    /// User that the crawler runs as, by name or number, and that does nothing else.
    #[arg(long, value_name = "USER")]
    user: orb_fetch::FirewallUser,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Arguments of `orb identity show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// What `orb identity page` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The page that the User-Agent should lead to.
    Html,
    /// The address ranges as JSON, as firewalls read them.
    Ranges,
    /// Lines for the reverse and the forward zone, and how they are checked.
    Dns,
}

/// Arguments of `orb identity page`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb identity page --contact you@example.org > bot.html
  orb identity page --contact you@example.org --address 192.0.2.0/28 --domain crawl.example.org > bot.html
  orb identity page --form ranges --address 192.0.2.0/28 > ranges.json
  orb identity page --form dns --address 192.0.2.0/28 --domain crawl.example.org

Publish the page where the contact leads, so that whoever finds the crawler in a log finds out how to stop it.")]
pub(crate) struct PageArgs {
    /// Which of the texts.
    #[arg(long, value_enum, default_value = "html", hide_possible_values = false)]
    form: Form,
    /// Public addresses that requests come from: 192.0.2.0/28. May be repeated.
    #[arg(long = "address", value_name = "CIDR", value_parser = range)]
    addresses: Vec<IpNet>,
    /// Domain below which those addresses have their names.
    #[arg(long, value_name = "DOMAIN", value_parser = domain)]
    domain: Option<String>,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// What `orb identity show --json` prints. Names are a contract with scripts.
#[derive(Serialize)]
struct Shown {
    product: String,
    contact: String,
    user_agent: String,
    from: String,
}

/// Runs `orb identity …`.
pub(crate) fn run(command: &IdentityCommand) -> Outcome {
    match command {
        IdentityCommand::Show(args) => show(args),
        IdentityCommand::Page(args) => print(args),
        IdentityCommand::Firewall(args) => firewall(args),
    }
}

fn show(args: &ShowArgs) -> Outcome {
    let config = introduced(&args.settings)?;
    let shown = Shown {
        product: config.identity.product,
        contact: config.identity.contact,
        user_agent: config.fetch.user_agent,
        from: config.fetch.from,
    };
    if args.json {
        say_json(&shown)?;
        return Ok(Exit::Fine);
    }
    say(&format!("User-Agent: {}", harmless(&shown.user_agent)));
    if !shown.from.is_empty() {
        say(&format!("From: {}", harmless(&shown.from)));
    }
    say(&format!(
        "robots.txt: obeyed as {}",
        harmless(&shown.product)
    ));
    say(&format!("contact: {}", harmless(&shown.contact)));
    Ok(Exit::Fine)
}

fn print(args: &PageArgs) -> Outcome {
    match args.form {
        Form::Html => {
            let about = about(introduced(&args.settings)?, args);
            if about.addresses.is_empty() {
                note("orb: the page does not tell from where requests come; give --address");
            }
            say(orb_identity::page(&about).trim_end());
        }
        Form::Ranges => {
            let addresses = some_addresses(args)?;
            say(&orb_identity::ranges(addresses, BootClock::new().wall().0));
        }
        Form::Dns => {
            let addresses = some_addresses(args)?;
            let Some(domain) = &args.domain else {
                return Err(Failure::usage_text(
                    "no domain: give --domain crawl.example.org, below which the addresses get their names".to_owned(),
                ));
            };
            say(orb_identity::reverse_zone(addresses, domain).trim_end());
        }
    }
    Ok(Exit::Fine)
}

fn firewall(args: &FirewallArgs) -> Outcome {
    let in_force = args
        .settings
        .in_force(crate::settings::from_process(), &Machine::this())?;
    let config = in_force.config;
    say(orb_fetch::nft_rules(&args.user, &config.guard, &config.dns.servers).trim_end());
    Ok(Exit::Fine)
}

fn some_addresses(args: &PageArgs) -> Result<&[IpNet], Failure> {
    if args.addresses.is_empty() {
        return Err(Failure::usage_text(
            "no addresses: give --address 192.0.2.0/28, the public addresses that requests come from".to_owned(),
        ));
    }
    Ok(&args.addresses)
}

/// The settings with their headers filled in. Without a contact there is nothing to tell anybody.
fn introduced(settings: &SettingsArgs) -> Result<CrawlConfig, Failure> {
    let mut config = settings
        .in_force(crate::settings::from_process(), &Machine::this())?
        .config;
    introduce(&mut config).map_err(Failure::usage)?;
    if config.identity.contact.trim().is_empty() {
        return Err(Failure::usage(IdentityError::NoContact));
    }
    Ok(config)
}

fn about(config: CrawlConfig, args: &PageArgs) -> Introduction {
    let politeness = &config.politeness;
    Introduction {
        manners: Manners {
            site_delay: politeness.site_delay,
            site_delay_factor: politeness.site_delay_factor,
            address_delay: politeness.address_delay,
            crawl_delay_max: politeness.crawl_delay_max,
            retry_after_max: politeness.retry_after_max,
            robots_fresh_for: FRESH_FOR,
        },
        product: config.identity.product,
        user_agent: config.fetch.user_agent,
        from: config.fetch.from,
        contact: config.identity.contact,
        addresses: args.addresses.clone(),
        domain: args.domain.clone(),
    }
}

/// A domain as a zone file takes it.
fn domain(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('.');
    let plain = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // A name of the longest address must still fit below it (RFC 1035, 2.3.4).
    if text.len() <= 200 && text.split('.').all(plain) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("write a domain such as crawl.example.org".to_owned())
    }
}
