//! glommio; the flags of its ring cannot be set.

use crate::handler::answer;
use anyhow::{Result, anyhow};
use futures_lite::{AsyncReadExt, AsyncWriteExt};

/// Serves until it is ended.
pub fn run(port: u16) -> Result<()> {
    glommio::LocalExecutorBuilder::default()
        .spawn(move || async move {
            let listener = glommio::net::TcpListener::bind(("127.0.0.1", port)).map_err(|e| anyhow!("{e}"))?;
            loop {
                let mut stream = listener.accept().await.map_err(|e| anyhow!("{e}"))?;
                stream.set_nodelay(true).map_err(|e| anyhow!("{e}"))?;
                glommio::spawn_local(async move {
                    let (mut input, mut out) = (Vec::with_capacity(2048), Vec::with_capacity(4096));
                    let mut room = [0; 2048];
                    while let Ok(count @ 1..) = stream.read(&mut room).await {
                        input.extend_from_slice(&room[..count]);
                        let used = answer(&input, &mut out);
                        input.drain(..used);
                        if stream.write_all(&out).await.is_err() {
                            return;
                        }
                        out.clear();
                    }
                })
                .detach();
            }
            #[allow(unreachable_code)]
            Ok::<(), anyhow::Error>(())
        })
        .map_err(|e| anyhow!("{e}"))?
        .join()
        .map_err(|e| anyhow!("{e}"))?
}
