//! Where to look: URLs for people, or one line of JSON for programs.

use super::Titles;
use super::anvil::{ADA, Anvil, BOB};
use crate::cli;
use std::io::{self, Write as _, stdout};
use std::net::SocketAddr;

pub fn urls(
    options: &cli::Demo,
    edge: SocketAddr,
    origin: SocketAddr,
    titles: &Titles,
    anvil: Option<&Anvil>,
) -> io::Result<()> {
    let Titles { open, gated, token, held } = titles;
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
                "held_asset": held,
                "chain": anvil.map(|anvil| &anvil.url),
                "seals": anvil.map(|anvil| &anvil.seals),
            })
        )?;
        return Ok(());
    }
    let data = options.data.display();
    let holders = holders(edge, held, anvil);
    writeln!(stdout(), "
Watch:      http://{edge}/watch/?v={open}
HLS:        http://{edge}/v/{open}/master.m3u8
DASH:       http://{edge}/v/{open}/manifest.mpd

Who may watch, with two wallets in the page, Ada's and Bob's (their keys are public):
  everyone                    http://{edge}/watch/?v={open}
  Ada, who is on a list       http://{edge}/watch/?v={gated}   (encrypted: the page fetches its key, too)
{holders}
  the rules, as sentences     http://{edge}/operate/?v={gated}   (API key: {data}/keys/api.key)

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

/// The title for whoever holds a token, or what it needs.
fn holders(edge: SocketAddr, held: &str, anvil: Option<&Anvil>) -> String {
    let url = format!("http://{edge}/watch/?v={held}");
    match anvil {
        Some(anvil) => format!(
            "  whoever holds a Seal        {url}   (Ada has one)\n  and while she watches, give it to Bob: she is stopped\n    {}",
            anvil.gives(ADA, BOB)
        ),
        None => format!(
            "  whoever holds a token       {url}\n    needs a chain: install anvil (https://getfoundry.sh), start the demo again; until then it opens for nobody"
        ),
    }
}
