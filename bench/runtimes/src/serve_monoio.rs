//! monoio on io_uring, as its builder makes the ring.

use crate::handler::answer;
use anyhow::Result;
use monoio::io::{AsyncReadRent, AsyncWriteRentExt};

/// Serves until it is ended.
pub fn run(port: u16) -> Result<()> {
    let mut ring = io_uring_builder();
    ring.setup_single_issuer().setup_defer_taskrun();
    let mut runtime =
        monoio::RuntimeBuilder::<monoio::IoUringDriver>::new().with_entries(1024).uring_builder(ring).build()?;
    runtime.block_on(async {
        let listener = monoio::net::TcpListener::bind(("127.0.0.1", port))?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            monoio::spawn(async move {
                let (mut input, mut out) = (Vec::with_capacity(2048), Vec::with_capacity(4096));
                loop {
                    let (read, filled) = stream.read(input).await;
                    input = filled;
                    if !matches!(read, Ok(1..)) {
                        return;
                    }
                    let used = answer(&input, &mut out);
                    input.drain(..used);
                    let (written, sent) = stream.write_all(out).await;
                    out = sent;
                    if written.is_err() {
                        return;
                    }
                    out.clear();
                }
            });
        }
    })
}

fn io_uring_builder() -> io_uring::Builder {
    io_uring::IoUring::builder()
}
