//! What reading a body in chunks costs beside the same body by length (fault N4): CPU microseconds a response.
//!
//! In: nothing. Out: a line for each size of chunk. May touch: the reader alone; bytes come from memory, 16 KiB at a time.
//! Must not touch: sockets. Invariant: the fastest of many rounds counts.
//!
//! Run with `cargo run --release -p orb-fetch --features fuzzing --example chunk_cost`.

use std::hint::black_box;

use orb_env::thread_cpu;
use orb_fetch::alone::response;

const ROUNDS: usize = 30;
const PIECE_BYTES: usize = 16 << 10;

fn chunked(payload: &[u8], chunk: usize) -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for piece in payload.chunks(chunk) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// The least CPU microseconds of a response, and the payload that came of it.
fn cost(bytes: &[u8]) -> (f64, usize) {
    let (mut least, mut payload) = (f64::MAX, 0);
    for _ in 0..ROUNDS {
        let began = thread_cpu();
        let read = black_box(response(black_box(bytes), PIECE_BYTES));
        payload = read.map_or(0, |response| response.payload().len());
        least = least.min((thread_cpu() - began).as_secs_f64() * 1e6);
    }
    (least, payload)
}

fn main() {
    for payload_bytes in [200_000, 10_000_000] {
        let payload = vec![b'x'; payload_bytes];
        let mut plain =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {payload_bytes}\r\n\r\n").into_bytes();
        plain.extend_from_slice(&payload);
        let (by_length, _) = cost(&plain);
        println!("{payload_bytes} bytes by length: {by_length:.0} us");
        for chunk in [payload_bytes, 16_384, 4_096, 1_000, 100, 10, 1] {
            let (took, read) = cost(&chunked(&payload, chunk));
            let cut = if read < payload_bytes {
                format!(", cut at {read}")
            } else {
                String::new()
            };
            println!(
                "  chunks of {chunk}: {took:.0} us, {:.2} of it{cut}",
                took / by_length
            );
        }
    }
}
