//! Rows N12 and N13: redirects that loop, chain or lead nowhere, and pointers to guarded addresses.
//!
//! In: the name of a case, the listener's authority. Out: acts. May touch: `play`. Must not touch: streams.
//! Invariant: every answer is well framed; what is wrong is only where it points.

use super::play::Act;

/// N12.
pub(super) const REDIRECTS: &[&str] = &[
    "to-itself",
    "loop-a",
    "loop-b",
    "hop/0",
    "host/0",
    "to-file",
    "to-data",
    "to-javascript",
    "to-ftp",
    "to-mail",
    "relative-oddity",
    "backslashes",
    "to-userinfo",
    "to-fragment",
    "to-control-characters",
    "to-long-url",
    "without-location",
    "empty-location",
    "two-locations",
    "multiple-choices",
    "use-proxy",
    "not-modified-unasked",
    "temporary-to-good",
    "permanent-to-good",
    "refresh-header",
];

pub(super) fn redirects(case: &str, authority: &str) -> Option<Vec<Act>> {
    let port = authority.rsplit_once(':').map_or("80", |(_, port)| port);
    if let Some(hop) = number_behind(case, "hop/") {
        return Some(to(302, &format!("/hop/{}", hop + 1)));
    }
    if let Some(host) = number_behind(case, "host/") {
        let next = format!(
            "http://h{}.hop.{}:{port}/host/{}",
            host + 1,
            super::HostileNames::ZONE,
            host + 1
        );
        return Some(to(301, &next));
    }
    Some(match case {
        "to-itself" => to(302, "/to-itself"),
        "loop-a" => to(302, "/loop-b"),
        "loop-b" => to(302, "/loop-a"),
        "to-file" => to(302, "file:///etc/passwd"),
        "to-data" => to(302, "data:text/html,<p>evil"),
        "to-javascript" => to(302, "javascript:alert(1)"),
        "to-ftp" => to(302, "ftp://ftp.example/"),
        "to-mail" => to(302, "mailto:somebody@example.org"),
        "relative-oddity" => to(302, "a/../..//./b/../plain?x=/../y"),
        "backslashes" => to(302, "\\plain\\..\\plain"),
        "to-userinfo" => to(302, &format!("http://user:secret@{authority}/plain")),
        "to-fragment" => to(302, "/plain#fragment"),
        "to-control-characters" => to(302, "/pla\tin\u{7f}"),
        "to-long-url" => to(302, &format!("/plain?{}", "x".repeat(10_000))),
        "without-location" => vec![Act::send("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")],
        "empty-location" => to(302, ""),
        "two-locations" => to(302, "/plain?one\r\nLocation: /plain?two"),
        "multiple-choices" => to(300, "/plain"),
        "use-proxy" => to(305, "http://proxy.example/"),
        "not-modified-unasked" => vec![Act::send("HTTP/1.1 304 Not Modified\r\n\r\n")],
        "temporary-to-good" => to(307, "/plain?temporary"),
        "permanent-to-good" => to(308, "/plain?permanent"),
        "refresh-header" => vec![Act::send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nRefresh: 0; url=/plain?refreshed\r\nContent-Length: 0\r\n\r\n",
        )],
        _ => return None,
    })
}

fn number_behind(case: &str, prefix: &str) -> Option<u32> {
    case.strip_prefix(prefix)?.parse().ok()
}

fn to(status: u16, location: &str) -> Vec<Act> {
    vec![Act::send(format!(
        "HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    ))]
}

/// N13: how a page points, then where to.
pub(super) const POINTERS: &[&str] = &[
    "redirects",
    "links",
    "refreshes",
    "canonicals",
    "sitemap.xml",
    "robots.txt",
];

/// Guarded addresses, each in every notation that some parser somewhere understands.
pub const GUARDED_HOSTS: &[&str] = &[
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "0xa9.254.0xa9fe",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a9fe:a9fe]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:808:808::5601:5601]",
    "[2001:0:a9fe:a9fe::f7f7:f7f7]",
    "[::ffff:0:169.254.169.254]",
    "[fe80::a9fe:a9fe]",
    "[fd00:ec2::254]",
    "metadata.hostile.test",
    "127.0.0.2",
    "127.1.1",
    "0x7f.2",
    "017700000002",
    "[::1]",
    "[::]",
    "[::ffff:7f00:2]",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "167772161",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "[fc00::1]",
    "[ff02::1]",
    "224.0.0.1",
    "255.255.255.255",
    "\u{ff11}\u{ff12}\u{ff17}.0.0.2",
    "\u{2460}\u{2461}\u{2466}.0.0.2",
    "%31%32%37.0.0.2",
    "127.0.0.2.",
];

pub(super) fn pointers(case: &str) -> Option<Vec<Act>> {
    if let Some(at) = number_behind(case, "redirect/") {
        let host = GUARDED_HOSTS.get(at as usize)?;
        return Some(to(302, &format!("http://{host}/latest/meta-data/")));
    }
    if let Some(at) = number_behind(case, "refresh/") {
        let host = GUARDED_HOSTS.get(at as usize)?;
        let page = format!("<meta http-equiv=refresh content=\"0; url=http://{host}/refreshed\">");
        return Some(super::page(page.as_bytes()));
    }
    if let Some(at) = number_behind(case, "canonical/") {
        let host = GUARDED_HOSTS.get(at as usize)?;
        let page = format!("<link rel=canonical href=\"http://{host}/canonical\"><p>page {at}");
        return Some(super::page(page.as_bytes()));
    }
    let each = |text: &dyn Fn(usize, &str) -> String| -> String {
        let hosts = GUARDED_HOSTS.iter().enumerate();
        hosts.map(|(at, host)| text(at, host)).collect()
    };
    let links = |way: &str| each(&|at, _| format!("<a href=\"/{way}/{at}\">{at}</a>\n"));
    let body = match case {
        "redirects" => links("redirect"),
        "refreshes" => links("refresh"),
        "canonicals" => links("canonical"),
        "links" => each(&|_, host| format!("<a href=\"http://{host}/linked\">x</a>\n")),
        "sitemap.xml" => format!(
            "<urlset>{}</urlset>",
            each(&|_, host| format!("<url><loc>http://{host}/mapped</loc></url>"))
        ),
        "robots.txt" => each(&|_, host| format!("Sitemap: http://{host}/sitemap.xml\n")),
        _ => return None,
    };
    Some(super::page(body.as_bytes()))
}
