//! Where to look: URLs for people, or one line of JSON for programs.

use super::Titles;
use crate::cli;
use std::io::{self, Write as _, stdout};
use std::net::SocketAddr;

pub fn urls(options: &cli::Demo, edge: SocketAddr, origin: SocketAddr, titles: &Titles) -> io::Result<()> {
    let Titles { open, gated, token } = titles;
    if options.json {
        writeln!(
            stdout(),
            "{}",
            serde_json::json!({
                "edge": format!("http://{edge}"),
                "origin": format!("http://{origin}"),
                "asset": open,
                "gated_asset": gated,
                "token": token,
            })
        )?;
        return Ok(());
    }
    let data = options.data.display();
    writeln!(stdout(), "
Watch:      http://{edge}/watch/?v={open}
HLS:        http://{edge}/v/{open}/master.m3u8
DASH:       http://{edge}/v/{open}/manifest.mpd

With a token in its path:     http://{edge}/p/{token}/v/{gated}/master.m3u8
  as a page:                  http://{edge}/watch/?v={gated}&t={token}
The same without (403):       http://{edge}/v/{gated}/master.m3u8

Try:
  curl -i http://{edge}/v/{open}/master.m3u8          (Cache-Status says whether the edge had it)
  curl -i http://{edge}/v/{gated}/master.m3u8         (refused, and why)
  curl -i -H 'Authorization: Bearer {token}' http://{edge}/v/{gated}/master.m3u8
  curl -T movie.mp4 -X POST -H \"Authorization: Bearer $(cat {data}/keys/api.key)\" 'http://{origin}/api/v1/upload?title=movie'
"
    )?;
    if !options.once {
        writeln!(stdout(), "Ctrl-C ends it.")?;
    }
    Ok(())
}
