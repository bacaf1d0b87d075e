//! Pages made by chance: markup soup, and real pages with soup stirred in.
//!
//! In: a seed. Out: pages. May touch: nothing. Invariant: equal seeds give equal pages.

/// Numbers by chance (splitmix64).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is at least one.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }
}

/// What soup is made of; `#` becomes a number of its own, so that every link is told from the others.
const PIECES: &[&str] = &[
    "<a href=l#>",
    "<a href='l# '>",
    "<a href=\"l&amp;#\">",
    "</a>",
    "<a name=x>",
    "<area href=l#>",
    "<iframe src=l#>",
    "</iframe>",
    "<frame src=l#>",
    "<frameset>",
    "</frameset>",
    "<link rel=canonical href=l#>",
    "<link rel='alternate nofollow' href=l#>",
    "<link rel=next href=l#>",
    "<link rel=stylesheet href=l#>",
    "<meta http-equiv=refresh content='0;url=l#'>",
    "<base href=l#>",
    "<title>t#</title>",
    "<title>",
    "</title>",
    "<p>",
    "</p>",
    "<div>",
    "</div>",
    "<ul><li>",
    "</li>",
    "</ul>",
    "<b>",
    "</b>",
    "<i>",
    "</i>",
    "<span>",
    "</span>",
    "<table>",
    "</table>",
    "<tr>",
    "</tr>",
    "<td>",
    "</td>",
    "<th>",
    "<tbody>",
    "<caption>",
    "</caption>",
    "<colgroup>",
    "<col>",
    "<select>",
    "<option>",
    "</select>",
    "<optgroup>",
    "<form>",
    "</form>",
    "<button>",
    "</button>",
    "<input>",
    "<h1>",
    "</h1>",
    "<h2>",
    "</h2>",
    "<dl><dt>",
    "<dd>",
    "<br>",
    "</br>",
    "<hr>",
    "<pre>",
    "</pre>",
    "<textarea>",
    "</textarea>",
    "<xmp>",
    "</xmp>",
    "<noscript>",
    "</noscript>",
    "<noembed>",
    "</noembed>",
    "<noframes>",
    "</noframes>",
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "<template>",
    "</template>",
    "<svg>",
    "</svg>",
    "<svg/>",
    "<g>",
    "</g>",
    "<desc>",
    "</desc>",
    "<foreignObject>",
    "</foreignObject>",
    "<math>",
    "</math>",
    "<mi>",
    "</mi>",
    "<annotation-xml encoding=text/html>",
    "</annotation-xml>",
    "<font color=x>",
    "<font>",
    "</font>",
    "<html lang=en>",
    "</html>",
    "<head>",
    "</head>",
    "<body>",
    "</body>",
    "<img src=x>",
    "<image>",
    "<object>",
    "</object>",
    "<applet>",
    "</applet>",
    "<marquee>",
    "</marquee>",
    "<nobr>",
    "</nobr>",
    "<ruby><rt>",
    "</ruby>",
    "<article>",
    "</article>",
    "<main>",
    "<nav>",
    "</nav>",
    "<!--",
    "-->",
    "--!>",
    "<!doctype html>",
    "<![CDATA[",
    "]]>",
    "<?x?>",
    "</x y>",
    "<",
    ">",
    "&",
    "&amp;",
    "&#65;",
    "&notit;",
    "\0",
    " ",
    "\n",
    "\t",
    "w# ",
    "word#",
    "w#",
    "w# ",
    "\u{e9}#",
    "\u{20ac} ",
    "x",
    "</p ",
    "<a href=l# ",
    "<a/href=l#/>",
    "<details><summary>",
    "</details>",
    "<listing>",
    "<center>",
    "</center>",
    "<address>",
    "<li>",
    "<dt>",
];

/// Pieces that do something to each other.
const THEMES: &[&[&str]] = &[
    &[
        "<table>",
        "</table>",
        "<tr>",
        "</tr>",
        "<td>",
        "</td>",
        "w# ",
        "<a href=l#>",
        "</a>",
        "<b>",
        "<caption>",
        "<tbody>",
    ],
    &[
        "<svg>",
        "</svg>",
        "<desc>",
        "<title>",
        "</title>",
        "<foreignObject>",
        "</foreignObject>",
        "<a href=l#>",
        "<p>",
        "<g>",
    ],
    &[
        "<math>",
        "</math>",
        "<mi>",
        "</mi>",
        "<svg>",
        "</svg>",
        "<style>",
        "</style>",
        "<a href=l#>",
        "<b>",
        "<![CDATA[",
        "]]>",
    ],
    &[
        "<template>",
        "</template>",
        "<table>",
        "<tr>",
        "<td>",
        "<a href=l#>",
        "<title>",
        "</title>",
        "<svg>",
        "</svg>",
    ],
    &[
        "<a href=l#>",
        "</a>",
        "<b>",
        "</b>",
        "<i>",
        "</i>",
        "<p>",
        "</p>",
        "<div>",
        "</div>",
        "<nobr>",
        "</nobr>",
    ],
    &[
        "<select>",
        "</select>",
        "<option>",
        "<optgroup>",
        "<a href=l#>",
        "<table>",
        "<td>",
        "<textarea>",
        "</textarea>",
    ],
    &[
        "<head>",
        "</head>",
        "<body>",
        "</body>",
        "</html>",
        "<title>",
        "</title>",
        "<base href=l#>",
        "<link rel=next href=l#>",
    ],
    &[
        "<frameset>",
        "</frameset>",
        "<frame src=l#>",
        "<noframes>",
        "</noframes>",
        "<body>",
        "<a href=l#>",
        "</html>",
    ],
    &[
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "<style>",
        "</style>",
        "<xmp>",
        "</xmp>",
        "<textarea>",
        "<a href=l#>",
    ],
    &[
        "<ul>",
        "<li>",
        "</li>",
        "</ul>",
        "<dl>",
        "<dt>",
        "<dd>",
        "<p>",
        "</p>",
        "<h1>",
        "</h1>",
        "<a href=l#>",
    ],
    &[
        "<button>",
        "</button>",
        "<div>",
        "</div>",
        "<p>",
        "w#",
        "<form>",
        "</form>",
        "<a href=l#>",
        "<marquee>",
        "<object>",
    ],
    &[
        "<option>",
        "<optgroup>",
        "<legend>",
        "<code>",
        "</code>",
        "<span>",
        "</span>",
        "<b>",
        "</b>",
        "w#",
    ],
    &[
        "<select>",
        "</select>",
        "<input>",
        "<textarea>",
        "</textarea>",
        "<option>",
        "<hr>",
        "<p>",
        "w#",
        "<a href=l#>",
    ],
];

/// Soup of up to `pieces_max` pieces, all from a handful: what goes wrong takes a few kinds of pieces that meet often.
pub(crate) fn soup(chance: &mut Chance, pieces_max: usize) -> String {
    let theme = THEMES[chance.below(THEMES.len())];
    let others: Vec<&str> = (0..chance.below(6))
        .map(|_| PIECES[chance.below(PIECES.len())])
        .collect();
    let mut html = String::new();
    for number in 0..=chance.below(pieces_max) {
        let piece = match chance.below(6) {
            0 => "w#",
            1 if !others.is_empty() => others[chance.below(others.len())],
            _ => theme[chance.below(theme.len())],
        };
        html.push_str(&piece.replace('#', &number.to_string()));
    }
    html
}

/// A part of a real page, with pieces put in and taken out.
pub(crate) fn stirred(chance: &mut Chance, page: &str, bytes_max: usize) -> String {
    let start = page.floor_char_boundary(chance.below(page.len().saturating_sub(bytes_max / 2)));
    let start = if chance.below(3) == 0 { 0 } else { start };
    let end = page.ceil_char_boundary((start + chance.below(bytes_max)).min(page.len()));
    let mut html = page[start..end].to_owned();
    for _ in 0..chance.below(6) {
        let at = html.floor_char_boundary(chance.below(html.len() + 1));
        if chance.below(3) == 0 {
            let to = html.ceil_char_boundary((at + chance.below(40)).min(html.len()));
            html.replace_range(at..to, "");
        } else {
            let piece = soup(chance, 3);
            html.insert_str(at, &piece);
        }
    }
    html
}
