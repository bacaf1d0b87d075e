//! Languages as Common Crawl writes them: three letters.
//!
//! In: what a page declares, such as `de-AT`. Out: its ISO 639-3 code, `deu`. May touch: nothing.
//! Invariant: what is no language of the list is none.

/// Two letters of ISO 639-1 and three of ISO 639-3, sorted.
const CODES: &str = "\
    aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul bibis \
    bmbam bnben bobod brbre bsbos cacat ceche chcha cocos crcre csces cuchu cvchv cycym dadan dedeu \
    dvdiv dzdzo eeewe elell eneng eoepo esspa etest eueus fafas ffful fifin fjfij fofao frfra fyfry \
    gagle gdgla glglg gngrn guguj gvglv hahau heheb hihin hohmo hrhrv hthat huhun hyhye hzher iaina \
    idind ieile igibo iiiii ikipk ioido isisl itita iuiku jajpn jvjav kakat kgkon kikik kjkua kkkaz \
    klkal kmkhm knkan kokor krkau kskas kukur kvkom kwcor kykir lalat lbltz lglug lilim lnlin lolao \
    ltlit lulub lvlav mgmlg mhmah mimri mkmkd mlmal mnmon mrmar msmsa mtmlt mymya nanau nbnob ndnde \
    nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs papan pipli plpol \
    pspus ptpor quque rmroh rnrun roron rurus rwkin sasan scsrd sdsnd sesme sgsag shhbs sisin skslk \
    slslv smsmo snsna sosom sqsqi srsrp ssssw stsot susun svswe swswa tatam tetel tgtgk ththa titir \
    tktuk tltgl tntsn toton trtur tstso tttat twtwi tytah uguig ukukr ururd uzuzb veven vivie vovol \
    wawln wowol xhxho yiyid yoyor zazha zhzho zuzul";

/// The code of a declared language (BCP 47); of several the first counts.
pub(crate) fn iso_639_3(declared: &str) -> Option<&'static str> {
    let first = declared.split([',', ';']).next().unwrap_or_default();
    let primary = first.split(['-', '_']).next().unwrap_or_default();
    let primary = primary.trim().to_ascii_lowercase();
    CODES
        .split(' ')
        .filter_map(|code| code.split_at_checked(2))
        .find(|(two, three)| *two == primary || *three == primary)
        .map(|(_, three)| three)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_languages_become_three_letters() {
        for (declared, code) in [
            ("en", Some("eng")),
            ("de-AT", Some("deu")),
            (" PT_br", Some("por")),
            ("fra", Some("fra")),
            ("zh-Hans, en", Some("zho")),
            ("x-none", None),
            ("", None),
            ("english", None),
        ] {
            assert_eq!(iso_639_3(declared), code, "{declared}");
        }
        assert!(CODES.split(' ').all(|code| code.len() == 5));
    }
}
