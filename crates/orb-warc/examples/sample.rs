//! Writes the sample archive of the tests in every compression, for readers of other makers:
//! `cargo run -p orb-warc --example sample -- FOLDER`, then `python3 crates/orb-warc/tests/foreign_readers.py FOLDER`.

#[path = "../tests/sample/mod.rs"]
mod sample;

use orb_warc::Compression;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    for compression in [
        Compression::Gzip,
        #[cfg(feature = "zstd")]
        Compression::Zstd,
        Compression::None,
    ] {
        std::fs::write(
            format!("{folder}/sample{}", compression.suffix()),
            sample::sample(compression).bytes,
        )?;
        std::fs::write(
            format!("{folder}/honest{}", compression.suffix()),
            sample::honest(compression).bytes,
        )?;
    }
    #[cfg(feature = "zstd")]
    std::fs::write(
        format!("{folder}/sample-with-dictionary.warc.zst"),
        sample::dense().1.bytes,
    )?;
    Ok(())
}
