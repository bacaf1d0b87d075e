//! Codes of languages: what pages declare to ISO 639-3.
//!
//! In: a language tag (BCP 47). Out: the ISO 639-3 code of its language.
//! May touch: nothing. Must not touch: scripts and regions.
//! Invariant: both tables are sorted; a code of three letters that is not in them is taken as it is.

/// ISO 639-1 (with its three withdrawn codes) to ISO 639-3.
#[rustfmt::skip]
const OF_TWO: &[(&str, &str)] = &[
    ("aa", "aar"), ("ab", "abk"), ("ae", "ave"), ("af", "afr"), ("ak", "aka"), ("am", "amh"), ("an", "arg"),
    ("ar", "ara"), ("as", "asm"), ("av", "ava"), ("ay", "aym"), ("az", "aze"), ("ba", "bak"), ("be", "bel"),
    ("bg", "bul"), ("bi", "bis"), ("bm", "bam"), ("bn", "ben"), ("bo", "bod"), ("br", "bre"), ("bs", "bos"),
    ("ca", "cat"), ("ce", "che"), ("ch", "cha"), ("co", "cos"), ("cr", "cre"), ("cs", "ces"), ("cu", "chu"),
    ("cv", "chv"), ("cy", "cym"), ("da", "dan"), ("de", "deu"), ("dv", "div"), ("dz", "dzo"), ("ee", "ewe"),
    ("el", "ell"), ("en", "eng"), ("eo", "epo"), ("es", "spa"), ("et", "est"), ("eu", "eus"), ("fa", "fas"),
    ("ff", "ful"), ("fi", "fin"), ("fj", "fij"), ("fo", "fao"), ("fr", "fra"), ("fy", "fry"), ("ga", "gle"),
    ("gd", "gla"), ("gl", "glg"), ("gn", "grn"), ("gu", "guj"), ("gv", "glv"), ("ha", "hau"), ("he", "heb"),
    ("hi", "hin"), ("ho", "hmo"), ("hr", "hrv"), ("ht", "hat"), ("hu", "hun"), ("hy", "hye"), ("hz", "her"),
    ("ia", "ina"), ("id", "ind"), ("ie", "ile"), ("ig", "ibo"), ("ii", "iii"), ("ik", "ipk"), ("in", "ind"),
    ("io", "ido"), ("is", "isl"), ("it", "ita"), ("iu", "iku"), ("iw", "heb"), ("ja", "jpn"), ("ji", "yid"),
    ("jv", "jav"), ("ka", "kat"), ("kg", "kon"), ("ki", "kik"), ("kj", "kua"), ("kk", "kaz"), ("kl", "kal"),
    ("km", "khm"), ("kn", "kan"), ("ko", "kor"), ("kr", "kau"), ("ks", "kas"), ("ku", "kur"), ("kv", "kom"),
    ("kw", "cor"), ("ky", "kir"), ("la", "lat"), ("lb", "ltz"), ("lg", "lug"), ("li", "lim"), ("ln", "lin"),
    ("lo", "lao"), ("lt", "lit"), ("lu", "lub"), ("lv", "lav"), ("mg", "mlg"), ("mh", "mah"), ("mi", "mri"),
    ("mk", "mkd"), ("ml", "mal"), ("mn", "mon"), ("mr", "mar"), ("ms", "msa"), ("mt", "mlt"), ("my", "mya"),
    ("na", "nau"), ("nb", "nob"), ("nd", "nde"), ("ne", "nep"), ("ng", "ndo"), ("nl", "nld"), ("nn", "nno"),
    ("no", "nor"), ("nr", "nbl"), ("nv", "nav"), ("ny", "nya"), ("oc", "oci"), ("oj", "oji"), ("om", "orm"),
    ("or", "ori"), ("os", "oss"), ("pa", "pan"), ("pi", "pli"), ("pl", "pol"), ("ps", "pus"), ("pt", "por"),
    ("qu", "que"), ("rm", "roh"), ("rn", "run"), ("ro", "ron"), ("ru", "rus"), ("rw", "kin"), ("sa", "san"),
    ("sc", "srd"), ("sd", "snd"), ("se", "sme"), ("sg", "sag"), ("sh", "hbs"), ("si", "sin"), ("sk", "slk"),
    ("sl", "slv"), ("sm", "smo"), ("sn", "sna"), ("so", "som"), ("sq", "sqi"), ("sr", "srp"), ("ss", "ssw"),
    ("st", "sot"), ("su", "sun"), ("sv", "swe"), ("sw", "swa"), ("ta", "tam"), ("te", "tel"), ("tg", "tgk"),
    ("th", "tha"), ("ti", "tir"), ("tk", "tuk"), ("tl", "tgl"), ("tn", "tsn"), ("to", "ton"), ("tr", "tur"),
    ("ts", "tso"), ("tt", "tat"), ("tw", "twi"), ("ty", "tah"), ("ug", "uig"), ("uk", "ukr"), ("ur", "urd"),
    ("uz", "uzb"), ("ve", "ven"), ("vi", "vie"), ("vo", "vol"), ("wa", "wln"), ("wo", "wol"), ("xh", "xho"),
    ("yi", "yid"), ("yo", "yor"), ("za", "zha"), ("zh", "zho"), ("zu", "zul"),
];

/// The bibliographic codes of ISO 639-2 to ISO 639-3.
#[rustfmt::skip]
const OF_BIBLIOGRAPHIC: &[(&str, &str)] = &[
    ("alb", "sqi"), ("arm", "hye"), ("baq", "eus"), ("bur", "mya"), ("chi", "zho"), ("cze", "ces"), ("dut", "nld"),
    ("fre", "fra"), ("geo", "kat"), ("ger", "deu"), ("gre", "ell"), ("ice", "isl"), ("mac", "mkd"), ("mao", "mri"),
    ("may", "msa"), ("per", "fas"), ("rum", "ron"), ("slo", "slk"), ("tib", "bod"), ("wel", "cym"),
];

/// The language of a tag like `de-AT`, `en_US`, `zh-Hant` or `ger`.
pub(super) fn iso_639_3(tag: &str) -> Option<String> {
    let primary = tag
        .trim()
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .next()?
        .to_ascii_lowercase();
    let find = |table: &[(&str, &'static str)]| {
        table
            .binary_search_by_key(&primary.as_str(), |(code, _)| code)
            .ok()
            .map(|at| table[at].1.to_owned())
    };
    match primary.len() {
        2 => find(OF_TWO),
        // `und`, `mul`, `zxx`, `mis` say that there is none, or no one (ISO 639-2).
        3 if matches!(primary.as_str(), "und" | "mul" | "zxx" | "mis") => None,
        3 => find(OF_BIBLIOGRAPHIC).or(Some(primary)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_their_language() {
        for (tag, expected) in [
            ("en-US", Some("eng")),
            ("de", Some("deu")),
            ("GER", Some("deu")),
            ("zh_Hant_TW", Some("zho")),
            ("gsw", Some("gsw")),
            ("und", None),
            ("english", None),
            ("", None),
        ] {
            assert_eq!(iso_639_3(tag).as_deref(), expected, "{tag}");
        }
    }

    #[test]
    fn tables_are_sorted() {
        assert!(OF_TWO.is_sorted() && OF_BIBLIOGRAPHIC.is_sorted());
    }
}
