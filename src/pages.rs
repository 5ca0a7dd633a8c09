//! The pages that the edge serves out of the binary; `web/README.md` has the same table, and a test keeps them equal.

use edge::Page;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

macro_rules! pages {
    ($($path:literal, $file:literal, $content_type:expr;)*) => {
        /// Every page: URL path, content type, bytes.
        pub fn all() -> Vec<Page> {
            vec![$(Page {
                path: $path.to_owned(),
                content_type: $content_type,
                body: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/", $file)),
            }),*]
        }
        #[cfg(test)]
        const TABLE: &[(&str, &str, &str)] = &[$(($path, $file, $content_type)),*];
    };
}

pages! {
    "/", "player/index.html", HTML;
    "/watch/", "player/watch.html", HTML;
    "/watch/style.css", "player/style.css", CSS;
    "/watch/icon.svg", "player/icon.svg", SVG;
    "/watch/watch.js", "player/watch.js", SCRIPT;
    "/watch/address.js", "player/address.js", SCRIPT;
    "/watch/cache-status.js", "player/cache-status.js", SCRIPT;
    "/watch/readings.js", "player/readings.js", SCRIPT;
    "/watch/storyboard.js", "player/storyboard.js", SCRIPT;
    "/watch/strip.js", "player/strip.js", SCRIPT;
    "/watch/trouble.js", "player/trouble.js", SCRIPT;
    "/watch/words.js", "player/words.js", SCRIPT;
    "/watch/gate/api.js", "player/gate/api.js", SCRIPT;
    "/watch/gate/session.js", "player/gate/session.js", SCRIPT;
    "/watch/gate/kept.js", "player/gate/kept.js", SCRIPT;
    "/watch/gate/declined.js", "player/gate/declined.js", SCRIPT;
    "/watch/gate/wallets.js", "player/gate/wallets.js", SCRIPT;
    "/watch/gate/ethereum.js", "player/gate/ethereum.js", SCRIPT;
    "/watch/gate/solana.js", "player/gate/solana.js", SCRIPT;
    "/watch/gate/sentence.js", "player/gate/sentence.js", SCRIPT;
    "/watch/gate/pass.js", "player/gate/pass.js", SCRIPT;
    "/watch/gate/gate.js", "player/gate/gate.js", SCRIPT;
    "/watch/gate/door.js", "player/gate/door.js", SCRIPT;
    "/watch/gate/lists.js", "player/gate/lists.js", SCRIPT;
    "/watch/gate/demo-wallets.js", "player/gate/no-demo-wallets.js", SCRIPT;
    "/watch/engine/rendition.js", "player/engine/rendition.js", SCRIPT;
    "/watch/engine/keys.js", "player/engine/keys.js", SCRIPT;
    "/watch/engine/hls.js", "player/engine/hls.js", SCRIPT;
    "/watch/engine/dash.js", "player/engine/dash.js", SCRIPT;
    "/watch/engine/native.js", "player/engine/native.js", SCRIPT;
    "/watch/vendor/hls.min.mjs", "vendor/hls.js/hls.min.mjs", SCRIPT;
    "/watch/vendor/dash.mediaplayer.min.js", "vendor/dash.js/dash.mediaplayer.min.js", SCRIPT;
    "/watch/vendor/hls.LICENSE.txt", "vendor/hls.js/LICENSE", TEXT;
    "/watch/vendor/dash.LICENSE.txt", "vendor/dash.js/LICENSE.md", TEXT;
    "/watch/vendor/dash.mediaplayer.min.js.LICENSE.txt", "vendor/dash.js/THIRD-PARTY.txt", TEXT;
    "/operate/", "operate/index.html", HTML;
    "/operate/style.css", "operate/style.css", CSS;
    "/operate/operate.js", "operate/operate.js", SCRIPT;
    "/operate/tree.js", "operate/tree.js", SCRIPT;
    "/operate/rule.js", "operate/rule.js", SCRIPT;
    "/operate/leaf-form.js", "operate/leaf-form.js", SCRIPT;
}

/// Every page, as `streamgate demo` shows them: with two wallets in the page itself, whose keys are public.
pub fn of_demo() -> Vec<Page> {
    let mut pages = all();
    for (path, body) in DEMO {
        pages.retain(|page| page.path != *path);
        pages.push(Page { path: (*path).to_owned(), content_type: SCRIPT, body });
    }
    pages
}

/// What the demo has in the place of others, or besides.
const DEMO: &[(&str, &[u8])] = &[
    ("/watch/gate/demo-wallets.js", include_bytes!("../web/player/gate/demo-wallets.js")),
    ("/watch/vendor/noble/secp256k1.js", include_bytes!("../web/vendor/noble/secp256k1.js")),
    ("/watch/vendor/noble/sha3.js", include_bytes!("../web/vendor/noble/sha3.js")),
    ("/watch/vendor/noble/_u64.js", include_bytes!("../web/vendor/noble/_u64.js")),
    ("/watch/vendor/noble/utils.js", include_bytes!("../web/vendor/noble/utils.js")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_that_of_the_web_folder() {
        let readme = include_str!("../web/README.md");
        let rows: Vec<String> = readme.lines().filter(|line| line.starts_with("| `/")).map(str::to_owned).collect();
        let ours = TABLE.iter().map(|(path, file, kind)| format!("| `{path}` | `{file}` | `{kind}` |"));
        assert_eq!(rows, ours.collect::<Vec<_>>());
    }

    /// A code that the page does not know gets a sentence that fits nothing, and the player is not asked for another token.
    #[test]
    fn the_watch_page_has_a_sentence_for_every_refusal_of_the_gate() {
        let script = include_str!("../web/player/trouble.js");
        let table =
            script.split_once("const REFUSALS = {").and_then(|(_, rest)| rest.split_once("};")).expect("the table").0;
        let mut said: Vec<&str> =
            table.lines().filter_map(|line| line.trim().strip_prefix('"')?.split('"').next()).collect();
        let words = edge::Refusal::ALL.iter().filter(|refusal| refusal.status() == 403).map(|refusal| refusal.word());
        let mut words: Vec<&str> = words.collect();
        said.sort_unstable();
        words.sort_unstable();
        assert_eq!(said, words);
    }
}
