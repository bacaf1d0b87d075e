//! The page about the crawler that its `User-Agent` should lead to.
//!
//! In: an introduction. Out: one HTML page without scripts, pictures or links to third parties.
//! May touch: nothing. Invariant: every value is escaped; each sentence follows from the values.

use std::net::IpAddr;

use crate::reverse::host_of;
use crate::{Introduction, spoken};

/// The page, ready to be published.
pub fn page(about: &Introduction) -> String {
    let product = escaped(&about.product);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>About {product}</title>\n\
         <style>body{{font:16px/1.5 sans-serif;max-width:44em;margin:2em auto;padding:0 1em}}\
         pre{{background:#eee;padding:.8em;overflow:auto}}</style>\n<h1>About {product}</h1>\n\
         <p>{product} is a web crawler. If it visited your site, this page says who runs it, how to be sure it was \
         really it, and how to slow it down or send it away.\n"
    );
    let parts = [
        who(about),
        stop(about),
        slow(about),
        pages(about),
        sure(about),
    ];
    page.extend(parts);
    page.push_str("</html>\n");
    page
}

fn who(about: &Introduction) -> String {
    let contact = if about.contact.contains("://") {
        let link = escaped(&about.contact);
        format!("<a href=\"{link}\">{link}</a>")
    } else {
        let mail = escaped(&about.contact);
        format!("<a href=\"mailto:{mail}\">{mail}</a>")
    };
    let from = match about.from.as_str() {
        "" => String::new(),
        from => format!("From: {}\n", escaped(from)),
    };
    format!(
        "<h2>Who runs it</h2>\n<p>Write to {contact}. Every request says so:\n\
         <pre>User-Agent: {}\n{from}</pre>\n",
        escaped(&about.user_agent)
    )
}

fn stop(about: &Introduction) -> String {
    let product = escaped(&about.product);
    format!(
        "<h2>How to send it away</h2>\n<p>It obeys robots.txt (RFC 9309) and goes by the name <code>{product}</code>. To keep \
         it out of everything:\n<pre>User-agent: {product}\nDisallow: /</pre>\n\
         <p>Or out of a part: <code>Disallow: /private/</code>. Of several rules that match, the longest decides. A \
         change counts within {}. While robots.txt cannot be had (an error 5xx or 429, no answer), a copy not \
         older than that is still obeyed, and without one nothing else is asked for. Or write to us: we take your site out by hand.\n",
        spoken(about.manners.robots_fresh_for)
    )
}

fn slow(about: &Introduction) -> String {
    let manners = &about.manners;
    let product = escaped(&about.product);
    let factor = match manners.site_delay_factor {
        0 => String::new(),
        factor => format!(", and at least {factor} times as long as the answer took"),
    };
    format!(
        "<h2>How to slow it down</h2>\n<p>It asks a site one thing at a time and waits {} after each answer{factor}. \
         Sites at one address share a pause of {}. To make it slower:\n\
         <pre>User-agent: {product}\nCrawl-delay: 10</pre>\n\
         <p>With a Crawl-delay above {} your site is not crawled at all. Answers 429 and 503 make it wait longer each \
         time, and <code>Retry-After</code> is obeyed up to {}. An answer 402 is taken as a no: nothing is paid, and \
         the page is not asked for again.\n",
        spoken(manners.site_delay),
        spoken(manners.address_delay),
        spoken(manners.crawl_delay_max),
        spoken(manners.retry_after_max),
    )
}

fn pages(about: &Introduction) -> String {
    format!(
        "<h2>Single pages and links</h2>\n<p>These are obeyed in <code>&lt;meta name=\"robots\"&gt;</code>, in a \
         <code>meta</code> named {} and in the header <code>X-Robots-Tag</code>: <code>nofollow</code> (no link of the \
         page is followed), <code>noarchive</code> (its content is not kept), <code>noindex</code> (kept with the page \
         as a mark for whoever uses it). A link with <code>rel=\"nofollow\"</code> is not followed. Preferences about \
         AI (<code>Content-Usage</code>, <code>Content-Signal</code>, <code>noai</code>, TDM reservation) are kept \
         with each page.\n",
        escaped(&about.product)
    )
}

fn sure(about: &Introduction) -> String {
    let mut text = "<h2>How to be sure it was really it</h2>\n".to_owned();
    if about.addresses.is_empty() && about.domain.is_none() {
        text.push_str(
            "<p>Anybody can write our name into a request. If you doubt one, write to us with its time and address.\n",
        );
        return text;
    }
    if !about.addresses.is_empty() {
        let lines: Vec<String> = about.addresses.iter().map(ToString::to_string).collect();
        text.push_str(&format!(
            "<p>Our requests come from these addresses and no others:\n<pre>{}</pre>\n",
            lines.join("\n")
        ));
    }
    if let Some(domain) = &about.domain {
        let example = about
            .addresses
            .first()
            .map_or(IpAddr::from([192, 0, 2, 1]), |net| net.network());
        let host = escaped(&host_of(example, domain));
        text.push_str(&format!(
            "<p>Each has a name that ends in <code>.{}</code>, and that name leads back to it. For example:\n\
             <pre>$ host {example}\n… domain name pointer {host}.\n$ host {host}\n{host} has address {example}</pre>\n",
            escaped(domain)
        ));
    }
    text.push_str("<p>A request in our name that does not come from there is not ours.\n");
    text
}

/// `text` as it may stand between tags and in a quoted attribute. Control characters become spaces.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
