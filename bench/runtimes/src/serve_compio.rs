//! compio, with the ring's two flags that matter and without.

use crate::handler::answer;
use anyhow::Result;
use compio::BufResult;
use compio::driver::ProactorBuilder;
use compio::io::{AsyncRead, AsyncWriteExt};
use compio::runtime::RuntimeBuilder;

/// Serves until it is ended.
pub fn run(port: u16, flags: bool) -> Result<()> {
    let mut proactor = ProactorBuilder::new();
    proactor.capacity(1024).single_issuer(flags).defer_taskrun(flags);
    let mut builder = RuntimeBuilder::new();
    builder.with_proactor(proactor).event_interval(128);
    builder.build()?.block_on(async {
        let listener = compio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            compio::runtime::spawn(async move {
                let (mut input, mut out) = (Vec::with_capacity(2048), Vec::with_capacity(4096));
                loop {
                    let BufResult(read, filled) = stream.read(input).await;
                    input = filled;
                    if !matches!(read, Ok(1..)) {
                        return;
                    }
                    let used = answer(&input, &mut out);
                    input.drain(..used);
                    let BufResult(written, sent) = stream.write_all(out).await;
                    out = sent;
                    if written.is_err() {
                        return;
                    }
                    out.clear();
                }
            })
            .detach();
        }
    })
}
