//! epoll, by tokio on one thread.

use crate::handler::answer;
use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Serves until it is ended.
pub fn run(port: u16) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::task::spawn_local(async move {
                let (mut input, mut out) = (Vec::with_capacity(2048), Vec::with_capacity(4096));
                while let Ok(1..) = stream.read_buf(&mut input).await {
                    let used = answer(&input, &mut out);
                    input.drain(..used);
                    if stream.write_all(&out).await.is_err() {
                        return;
                    }
                    out.clear();
                }
            });
        }
    })
}
