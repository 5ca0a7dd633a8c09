//! Any final status may be stored when it says for how long, and a POST's answer that is what a GET would have got
//! (RFC 9111 section 3, RFC 9110 section 9.3.3).

use crate::case::*;
use crate::templates::*;

const STATUSES: [u16; 18] =
    [200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599];

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for status in STATUSES {
        let body = word(&status.to_string());
        let again = get().status(status).body(&body).cached();
        all.push(
            optimal(format!("status-{status}-fresh"), [fresh().status(status).body(&body), again])
                .needs("freshness-max-age"),
        );
        let steps = [stale().status(status).body(&body), get().body(&body).fetched()];
        all.push(required(format!("status-{status}-stale"), steps));
    }
    let understood = |status: u16| get().status(status).says("Cache-Control: max-age=3600, no-store, must-understand");
    all.push(required("status-599-must-understand", [understood(599), get().fetched()]).needs("status-599-fresh"));
    all.push(optimal("status-200-must-understand", [understood(200), get().cached()]).needs("cc-resp-no-store-fresh"));
    let post = ask("POST").upload("12345").asks("Content-Type: text/plain").says("Cache-Control: max-age=3600");
    let post = post.says("Content-Location: {path}").says("Date: @0").pause();
    all.push(optimal("method-POST", [post, get().cached()]));
    all
}
