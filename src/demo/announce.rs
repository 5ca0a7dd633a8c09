//! Where to look: URLs for people, or one line of JSON for programs.

use super::Titles;
use crate::cli;
use std::net::SocketAddr;

pub fn urls(options: &cli::Demo, edge: SocketAddr, origin: SocketAddr, titles: &Titles) {
    let Titles { open, gated, token } = titles;
    if options.json {
        println!(
            "{}",
            serde_json::json!({
                "edge": format!("http://{edge}"),
                "origin": format!("http://{origin}"),
                "asset": open,
                "gated_asset": gated,
                "token": token,
            })
        );
        return;
    }
    let data = options.data.display();
    println!(
        "
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
    );
    if !options.once {
        println!("Ctrl-C ends it.");
    }
}
