//! Pages of Debian's documentation packages, labelled by hand: what must be read and what must not.
//!
//! The packages (bookworm): git-doc, sqlite3-doc, apache2-doc, postgresql-doc-15, python3.11-doc, python-django-doc,
//! python-sqlalchemy-doc, cmake-doc, exim4-doc-html, sphinx-doc, octave-doc, debian-policy, maint-guide, harden-doc.

use std::path::Path;

use super::score::visible;

/// A page below the folder, snippets of its content, snippets of what stands around it.
struct Labelled {
    path: &'static str,
    must: &'static [&'static str],
    must_not: &'static [&'static str],
}

const fn page(
    path: &'static str,
    must: &'static [&'static str],
    must_not: &'static [&'static str],
) -> Labelled {
    Labelled {
        path,
        must,
        must_not,
    }
}

const APACHE_AROUND: &[&str] = &[
    "Directives | FAQ",
    "Copyright 2026 The Apache Software Foundation",
    "Apache > HTTP Server",
];
const PYTHON_AROUND: &[&str] = &[
    "Please donate",
    "Created using Sphinx",
    "Found a bug?",
    "Previous topic",
];
const SQLITE_AROUND: &[&str] = &["Download License Support", "Choose any three"];
const POSTGRES_AROUND: &[&str] = &["Prev Up", "Next"];
const EXIM_AROUND: &[&str] = &[
    "Website design by Mike Cardwell",
    "Mailing Lists",
    "Table of Contentsnext",
];
const DJANGO_AROUND: &[&str] = &["« previous", "Table of contents", "Last update"];

const PAGES: &[Labelled] = &[
    page(
        "git-doc/gitglossary.html",
        &[
            "alternate object database",
            "Via the alternates mechanism, a repository",
            "A pathspec that begins with a colon",
            "Part of the git(1) suite",
        ],
        &["Last updated"],
    ),
    page(
        "git-doc/howto/maintain-git.html",
        &[
            "time is spent on three activities",
            "This step is aided with",
            "git update-ref -d",
        ],
        &["Last updated"],
    ),
    page(
        "git-doc/git-rebase.html",
        &[
            "git rebase (--continue | --skip",
            "saved to a temporary area",
            "Assume the following history exists",
        ],
        &["Last updated"],
    ),
    page(
        "sqlite3/faq.html",
        &[
            "Does SQLite support a BLOB type?",
            "SQLite allows you to store BLOB data",
            "is free to name the column anything it wants",
        ],
        SQLITE_AROUND,
    ),
    page(
        "sqlite3/books.html",
        &[
            "The book also uses SQLite as the basis",
            "Chris Newman provides a thorough",
        ],
        SQLITE_AROUND,
    ),
    page(
        "sqlite3/atomiccommit.html",
        &[
            "presumably there are changes being held",
            "take the conservative approach and assume the worst",
        ],
        SQLITE_AROUND,
    ),
    page(
        "sqlite3/docs.html",
        &[
            "Memory-Mapped I/O",
            "Speed Comparison",
            "A summary of the API related changes",
        ],
        SQLITE_AROUND,
    ),
    page(
        "apache2-doc/manual/en/mod/mod_rewrite.html",
        &[
            "Provides a rule-based rewriting engine",
            "rewrite_module",
            "via internal proxy",
        ],
        APACHE_AROUND,
    ),
    page(
        "apache2-doc/manual/en/howto/auth.html",
        &[
            "Authentication is any process by which",
            "add a user to your already existing password file",
        ],
        APACHE_AROUND,
    ),
    page(
        "apache2-doc/manual/en/mod/index.html",
        &["Server-parsed html documents", "mod_info", "mod_xml2enc"],
        APACHE_AROUND,
    ),
    page(
        "postgresql-doc-15/html/sql-select.html",
        &[
            "retrieve rows from a table or view",
            "[ FETCH { FIRST | NEXT }",
            "Window functions are described in detail",
        ],
        POSTGRES_AROUND,
    ),
    page(
        "postgresql-doc-15/html/tutorial-join.html",
        &[
            "our queries have only accessed one table at a time",
            "The join condition is introduced by its own key word",
        ],
        POSTGRES_AROUND,
    ),
    page(
        "postgresql-doc-15/html/errcodes-appendix.html",
        &[
            "are assigned five-character error codes",
            "triggered_data_change_violation",
            "index_corrupted",
        ],
        POSTGRES_AROUND,
    ),
    page(
        "python3.11/html/faq/general.html",
        &[
            "What is Python?",
            "comp.lang.python is high-traffic",
            "receiving hundreds of postings",
        ],
        PYTHON_AROUND,
    ),
    page(
        "python3.11/html/library/json.html",
        &[
            "JSON encoder and decoder",
            "json.dump(",
            "All parameters are now keyword-only",
            "Infinite and NaN Number Values",
        ],
        PYTHON_AROUND,
    ),
    page(
        "python3.11/html/tutorial/datastructures.html",
        &[
            "list.append(",
            "Tuples and Sequences",
            "they may be input with or without surrounding",
        ],
        PYTHON_AROUND,
    ),
    page(
        "python3.11/html/library/index.html",
        &[
            "Built-in Functions",
            "The Python Standard Library",
            "Concurrent Execution",
        ],
        PYTHON_AROUND,
    ),
    page(
        "python-django-doc/html/intro/tutorial01.html",
        &[
            "Creating a project",
            "adding files don’t trigger a restart",
            "django-admin startproject",
        ],
        DJANGO_AROUND,
    ),
    page(
        "python-django-doc/html/faq/general.html",
        &[
            "there are other awesome Web frameworks",
            "Why does this project exist?",
        ],
        DJANGO_AROUND,
    ),
    page(
        "python-sqlalchemy-doc/html/orm/quickstart.html",
        &["Declare Models", "Sandy Cheeks", "Some Deletes"],
        &["Created using Sphinx", "Search terms", "flambé"],
    ),
    page(
        "cmake-data/html/command/add_library.html",
        &[
            "Add a library to the project",
            "INTERFACE [<source>...]",
            "Source files may be listed directly",
        ],
        &[
            "Kitware, Inc. and Contributors",
            "Created using Sphinx",
            "index | next",
        ],
    ),
    page(
        "exim4-doc-html/spec_html/ch02.html",
        &[
            "Carnegie Mellon University",
            "Many people have contributed code fragments",
        ],
        EXIM_AROUND,
    ),
    page(
        "exim4-doc-html/spec_html/ch-how_exim_receives_and_delivers_mail.html",
        &[
            "How Exim receives and delivers mail",
            "A common example is a configuration",
            "awaiting the attention of an administrator",
        ],
        EXIM_AROUND,
    ),
    page(
        "sphinx-doc/html/usage/quickstart.html",
        &[
            "Setting up the documentation sources",
            "This will build HTML docs in the build directory",
            "This is the usual layout",
        ],
        &["Created using Sphinx", "Quick search", "On this page"],
    ),
    page(
        "octave/octave.html/Arithmetic-Ops.html",
        &[
            "Addition (always works element by element)",
            "uplus (x)",
            "This function and - x are equivalent",
        ],
        &["Previous: Calling Functions"],
    ),
    page(
        "debian-policy/fhs/fhs-3.0.html",
        &[
            "Filesystem Hierarchy Standard",
            "includes object files and libraries",
        ],
        &[],
    ),
    page(
        "maint-guide/html/build.en.html",
        &[
            "Building the package",
            "sudo pbuilder create",
            "are not set by this method",
        ],
        &["Chapter 5. Other files under the"],
    ),
    page(
        "harden-doc/html/en-US/ch10s04.html",
        &["Loadable Kernel Modules (LKM)"],
        &["Prev", "Next"],
    ),
];

/// A reader by its name: HTML in, text out.
type Reader = (&'static str, fn(&str) -> String);

/// Reads every page with each reader and shows which snippets were missed and which came in.
pub(crate) fn run(folder: &Path, smoothie: fn(&str) -> String) {
    println!("\nDebian's pages: snippets found that must be, and that must not be");
    let readers: [Reader; 3] = [
        ("orb-read", |html| orb_read::read_html(html, None).text),
        ("dom_smoothie", smoothie),
        ("everything", visible),
    ];
    let mut sums = [[0_usize; 2]; 3];
    let mut totals = [0_usize; 2];
    let mut read = 0;
    for page in PAGES {
        let Ok(bytes) = std::fs::read(folder.join(page.path)) else {
            println!("  {}: not there", page.path);
            continue;
        };
        read += 1;
        totals[0] += page.must.len();
        totals[1] += page.must_not.len();
        let html = orb_page::decode_text(&bytes, None).text;
        for (place, (name, reader)) in readers.iter().enumerate() {
            let text = squeezed(&reader(&html));
            let (missed, intruded) = judge(page, &text);
            sums[place][0] += page.must.len() - missed.len();
            sums[place][1] += intruded.len();
            if place == 0 && !(missed.is_empty() && intruded.is_empty()) {
                println!(
                    "  {} ({name}): missed {missed:?}, too much {intruded:?}",
                    page.path
                );
            }
        }
    }
    for ((name, _), [found, intruded]) in readers.iter().zip(sums) {
        println!(
            "{name:30} {found} of {} wanted, {intruded} of {} unwanted, on {read} pages",
            totals[0], totals[1]
        );
    }
}

fn judge<'p>(page: &'p Labelled, text: &str) -> (Vec<&'p str>, Vec<&'p str>) {
    let has = |snippet: &&&str| text.contains(&squeezed(snippet));
    (
        page.must
            .iter()
            .filter(|snippet| !has(snippet))
            .copied()
            .collect(),
        page.must_not.iter().filter(has).copied().collect(),
    )
}

/// Only letters and signs: readers differ in their blanks.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}
