//! Promised: whoever holds a wallet's key can sign in with a challenge, once; a text for something else is refused with a code that
//! says what is wrong; tokens are renewed once each, and end at once when their session does.

use ed25519_dalek::Signer as _;
use k256::ecdsa::SigningKey;
use origin::Config;
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};

use crate::support::{Answer, Site, http};

const DOMAIN: &str = "watch.example";

/// A key of Ethereum that signs as wallets do.
pub struct Wallet(SigningKey);

impl Wallet {
    pub fn new(seed: u8) -> Self {
        Self(SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    pub fn address(&self) -> String {
        let point = self.0.verifying_key().to_sec1_point(false);
        format!("0x{}", hex(&Keccak256::digest(&point.as_bytes()[1..])[12..]))
    }

    /// `personal_sign`.
    pub fn sign(&self, text: &str) -> String {
        let hash = Keccak256::digest(format!("\x19Ethereum Signed Message:\n{}{text}", text.len()).as_bytes());
        self.sign_hash(&hash)
    }

    fn sign_hash(&self, hash: &[u8]) -> String {
        let (signature, id) = self.0.sign_prehash_recoverable(hash);
        format!("0x{}{:02x}", hex(&signature.to_bytes()), 27 + id.to_byte())
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn settings(config: &mut Config) {
    config.signin.domains = vec![DOMAIN.into(), "other.example".into()];
}

pub async fn post(site: &Site, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    http::request(site.origin.addr(), "POST", path, &headers, body.to_string().as_bytes()).await
}

pub async fn challenge(site: &Site, wallet: &Wallet) -> String {
    let answer =
        post(site, "/api/v1/auth/challenge", &json!({ "address": wallet.address(), "chain": "eip155:1" })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["message"].as_str().unwrap().to_owned()
}

pub async fn login(site: &Site, wallet: &Wallet) -> Value {
    let message = challenge(site, wallet).await;
    let answer = try_login(site, wallet, &message).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn try_login(site: &Site, wallet: &Wallet, message: &str) -> Answer {
    post(site, "/api/v1/auth/login", &json!({ "message": message, "signature": wallet.sign(message) })).await
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

async fn status(site: &Site, token: &str) -> u16 {
    site.with(token, "GET", "/api/v1/content", b"").await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_signs_in_and_is_the_same_account_again() {
    let site = Site::start(settings).await;
    let alice = Wallet::new(1);
    let first = login(&site, &alice).await;
    let token = text(&first, "access_token");
    let profile = site.with(token, "GET", "/api/v1/auth/profile", b"").await.json();
    assert_eq!(profile["role"], "viewer");
    assert_eq!(profile["wallets"][0]["chain"], "eip155");
    assert_eq!(text(&profile["wallets"][0], "address").to_lowercase(), alice.address());
    assert_eq!(status(&site, token).await, 200);
    assert_eq!(site.with(token, "POST", "/api/v1/upload", b"x").await.problem(), (403, "role_too_low".into()));
    let again = login(&site, &alice).await;
    assert_eq!(again["account"]["id"], first["account"]["id"]);
    assert_ne!(login(&site, &Wallet::new(2)).await["account"]["id"], first["account"]["id"]);

    let path = format!("/api/v1/accounts/{}", text(&first["account"], "id"));
    let raised = site.api("PATCH", &path, br#"{"role":"creator"}"#).await;
    assert_eq!(raised.json()["role"], "creator", "{raised:?}");
    let upload = site.with(token, "POST", "/api/v1/upload", b"x").await;
    assert_eq!(upload.status, 201, "the role holds from the next request on: {upload:?}");
    assert_eq!(site.with(token, "PATCH", &path, br#"{"role":"admin"}"#).await.problem().0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_answers_to_one_challenge_one_succeeds() {
    let site = Site::start(settings).await;
    let alice = Wallet::new(1);
    let message = challenge(&site, &alice).await;
    let body = json!({ "message": message, "signature": alice.sign(&message) }).to_string();
    let headers = [("content-type", "application/json")];
    let tries =
        (0..200).map(|_| http::request(site.origin.addr(), "POST", "/api/v1/auth/login", &headers, body.as_bytes()));
    let answers = futures_util::future::join_all(tries).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    let used = answers.iter().filter(|answer| answer.status == 403 && answer.problem().1 == "signin_used").count();
    assert_eq!((won, used), (1, 199));
    let site = site.restart().await;
    assert_eq!(try_login(&site, &alice, &message).await.problem(), (403, "signin_used".into()), "over a restart too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_nowhere_but_in_its_own_text() {
    let asked = Site::start(settings).await;
    let alice = Wallet::new(1);
    let message = challenge(&asked, &alice).await;
    // Another origin with the same keys has neither its memory nor its rows.
    let keys = asked.config.data.join("keys");
    let other = Site::start(|config| {
        settings(config);
        std::fs::create_dir_all(config.data.join("keys")).unwrap();
        for file in std::fs::read_dir(&keys).unwrap().map(Result::unwrap) {
            std::fs::copy(file.path(), config.data.join("keys").join(file.file_name())).unwrap();
        }
    })
    .await;
    let answer = try_login(&other, &alice, &message).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // With keys of its own it takes it for nobody's.
    let stranger = Site::start(settings).await;
    assert_eq!(try_login(&stranger, &alice, &message).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_for_something_else_says_what_is_wrong() {
    let site = Site::start(settings).await;
    let (alice, bob) = (Wallet::new(1), Wallet::new(2));
    let message = challenge(&site, &alice).await;
    let line = |label: &str| message.lines().find(|line| line.starts_with(label)).unwrap();
    let checksummed = |wallet: &Wallet| {
        let wallet = wallet.address();
        let site = &site;
        async move {
            let body = json!({ "address": wallet });
            text(&post(site, "/api/v1/auth/challenge", &body).await.json(), "address").to_owned()
        }
    };
    let (own, bobs) = (checksummed(&alice).await, checksummed(&bob).await);
    for (from, to, code) in [
        (DOMAIN, "evil.example", "signin_domain"),
        (line("URI: "), "URI: https://evil.example/", "signin_uri"),
        (line("URI: "), "URI: https://watch.example.evil.example/", "signin_uri"),
        (line("URI: "), "URI: http://watch.example/", "signin_uri"),
        (line("Chain ID: "), "Chain ID: 137", "signin_chain"),
        (line("Nonce: "), "Nonce: 12345678", "signin_nonce"),
        (line("Issued At: "), "Issued At: 2030-01-01T00:00:00Z", "signin_time"),
        (line("Issued At: "), "Issued At: 2020-01-01T00:00:00Z", "signin_time"),
        (line("Expiration Time: "), "Expiration Time: 2020-01-01T00:00:00Z", "signin_expired"),
        (line("Expiration Time: "), "Not Before: 2100-01-01T00:00:00Z", "signin_time"),
        (&own, &bobs, "signin_address"),
        (&own, &own.to_lowercase(), "bad_address"),
        (line("Version: "), "Version: 2", "signin_text"),
        ("Ethereum", "Solana", "signin_text"),
    ] {
        let other = message.replacen(from, to, if from == DOMAIN { 1 } else { 9 });
        assert_ne!(other, message, "{from}");
        let answer = try_login(&site, &alice, &other).await;
        assert_eq!(answer.problem().1, code, "{other}\n{answer:?}");
    }
    let stranger = json!({ "message": message, "signature": bob.sign(&message) });
    assert_eq!(post(&site, "/api/v1/auth/login", &stranger).await.problem(), (403, "signin_signature".into()));
    for bad in ["", "0x", "0xzz", "nothing", &format!("0x{}", "00".repeat(65))] {
        let body = json!({ "message": message, "signature": bad });
        assert_eq!(post(&site, "/api/v1/auth/login", &body).await.problem(), (403, "signin_signature".into()), "{bad}");
    }
    assert_eq!(try_login(&site, &alice, &message).await.status, 200, "none of these used it up");

    // What a page of its own writes around our nonce is as good: other statement, resources, request id.
    let message = challenge(&site, &alice).await;
    let own = message.replace("Sign in to watch", "Hello").replace("watch.example", "other.example");
    let own = format!("{own}\nRequest ID: 7\nResources:\n- https://example.com/");
    assert_eq!(try_login(&site, &alice, &own).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_configured_domains_only_pages_of_this_machine_may_ask() {
    let site = Site::start(|_| {}).await;
    let alice = Wallet::new(1);
    let ask = |domain: &str| json!({ "address": alice.address(), "domain": domain });
    for domain in ["evil.example", "localhost.evil.example", "127.0.0.1@evil.example", "localhost:80:80", "localhost:x"]
    {
        let answer = post(&site, "/api/v1/auth/challenge", &ask(domain)).await;
        assert_eq!(answer.problem(), (403, "signin_off".into()), "{domain}");
    }
    let answer = post(&site, "/api/v1/auth/challenge", &ask("localhost:8080")).await;
    let message = text(&answer.json(), "message").to_owned();
    assert!(message.contains("\nURI: http://localhost:8080/\n"), "{message}");
    assert_eq!(try_login(&site, &alice, &message).await.status, 200);
    let stolen = message.replacen("localhost:8080", "evil.example", 1);
    assert_eq!(try_login(&site, &alice, &stolen).await.problem(), (403, "signin_domain".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_data_plain_text_and_solana_sign_in_too() {
    let site = Site::start(settings).await;
    let alice = Wallet::new(1);
    let asked = json!({ "address": alice.address(), "chain": "eip155:137", "format": "eip191" });
    let put = post(&site, "/api/v1/auth/challenge", &asked).await.json();
    let answer = |signature: String, nonce: &str, format: &str| json!({ "format": format, "address": alice.address(), "chain": "eip155:137", "nonce": nonce, "signature": signature });
    let body = answer(alice.sign(text(&put, "message")), text(&put, "nonce"), "eip191");
    assert_eq!(post(&site, "/api/v1/auth/login", &body).await.status, 200);
    assert_eq!(post(&site, "/api/v1/auth/login", &body).await.problem().1, "signin_used");

    let asked = json!({ "address": alice.address(), "chain": "eip155:137", "format": "eip712" });
    let put = post(&site, "/api/v1/auth/challenge", &asked).await.json();
    assert_eq!(put["typed_data"]["domain"]["chainId"], 137);
    let wrong = answer(alice.sign("x"), text(&put, "nonce"), "eip712");
    assert_eq!(post(&site, "/api/v1/auth/login", &wrong).await.problem().1, "signin_signature");

    let key = ed25519_dalek::SigningKey::from_bytes(&[5; 32]);
    let address = bs58::encode(key.verifying_key().to_bytes()).into_string();
    for is_ledger in [false, true] {
        let asked = json!({ "address": address, "chain": "solana:devnet" });
        let put = post(&site, "/api/v1/auth/challenge", &asked).await.json();
        let message = text(&put, "message").as_bytes().to_vec();
        let length = u16::try_from(message.len()).unwrap().to_le_bytes();
        let head =
            [b"\xffsolana offchain\0".as_slice(), &[0; 32], &[1, 1], &key.verifying_key().to_bytes(), &length].concat();
        let signed = if is_ledger { [head, message].concat() } else { message };
        let signature = bs58::encode(key.sign(&signed).to_bytes()).into_string();
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &signed);
        let mut body =
            json!({ "format": "siws", "signed_message": encoded, "signature": signature, "address": address });
        body["address"] = bs58::encode([6; 32]).into_string().into();
        assert!(post(&site, "/api/v1/auth/login", &body).await.status >= 400, "another account than the text's");
        body["address"] = address.clone().into();
        let answer = post(&site, "/api/v1/auth/login", &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let profile = site.with(text(&answer.json(), "access_token"), "GET", "/api/v1/auth/profile", b"").await.json();
        assert_eq!(
            (&profile["wallets"][0]["chain"], &profile["wallets"][0]["address"]),
            (&json!("solana"), &json!(address))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_of_use_once_and_twice_ends_the_session() {
    let site = Site::start(settings).await;
    let signed_in = login(&site, &Wallet::new(1)).await;
    let renew = async |token: &str| post(&site, "/api/v1/auth/refresh", &json!({ "refresh_token": token })).await;
    let first = text(&signed_in, "refresh_token");
    let renewed = renew(first).await.json();
    let access = text(&renewed, "access_token").to_owned();
    assert_eq!(status(&site, &access).await, 200);
    for name in ["catalogue.sqlite", "catalogue.sqlite-wal"] {
        let bytes = std::fs::read(site.folder.path().join("data").join(name)).unwrap_or_default();
        assert!(!bytes.windows(30).any(|part| part == &first.as_bytes()[10..40]), "{name} holds the token");
    }

    // Two at once: whoever is second is taken for a thief, and the whole family ends.
    let second = text(&renewed, "refresh_token");
    let answers = futures_util::future::join_all((0..2).map(|_| renew(second))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    let lost = answers.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!((won.len(), lost.problem()), (1, (401, "refresh_token_reused".into())));
    let (token, access_of_won) = (won[0].json(), won[0].json());
    assert_eq!(renew(text(&token, "refresh_token")).await.problem(), (401, "session_ended".into()));
    for access in [access.as_str(), text(&access_of_won, "access_token")] {
        assert_eq!(site.with(access, "GET", "/api/v1/content", b"").await.problem(), (401, "session_ended".into()));
    }
    for bad in ["", "sgr_", "sgr_x", &"sgr_".repeat(12)] {
        assert_eq!(renew(bad).await.problem(), (401, "refresh_token_wrong".into()), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_at_once_wherever_it_is_ended() {
    let site = Site::start(settings).await;
    let alice = Wallet::new(1);
    let (a, b, c) = (login(&site, &alice).await, login(&site, &alice).await, login(&site, &alice).await);
    let token = |of: &Value| text(of, "access_token").to_owned();
    let list = site.with(&token(&a), "GET", "/api/v1/auth/sessions", b"").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    assert_eq!(list["current"], a["session"]);

    assert_eq!(site.with(&token(&a), "POST", "/api/v1/auth/logout", b"").await.status, 204);
    assert_eq!(status(&site, &token(&a)).await, 401);
    let path = format!("/api/v1/auth/sessions/{}", text(&b, "session"));
    let mallory = login(&site, &Wallet::new(9)).await;
    assert_eq!(site.with(&token(&mallory), "DELETE", &path, b"").await.problem(), (404, "unknown_session".into()));
    assert_eq!(status(&site, &token(&b)).await, 200);
    assert_eq!(site.with(&token(&c), "DELETE", &path, b"").await.status, 204);
    assert_eq!(status(&site, &token(&b)).await, 401);

    let path = format!("/api/v1/accounts/{}", text(&c["account"], "id"));
    assert_eq!(site.api("PATCH", &path, br#"{"banned":true}"#).await.status, 200);
    assert_eq!(status(&site, &token(&c)).await, 401);
    let message = challenge(&site, &alice).await;
    assert_eq!(try_login(&site, &alice, &message).await.problem(), (403, "account_banned".into()));
    assert_eq!(site.api("PATCH", &path, br#"{"banned":false}"#).await.status, 200);
    login(&site, &alice).await;
    assert_eq!(site.api("GET", "/api/v1/auth/profile", b"").await.problem(), (403, "session_needed".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_wallets_prove_themselves_to_one_account() {
    let site = Site::start(settings).await;
    let (alice, phone, bob) = (Wallet::new(1), Wallet::new(2), Wallet::new(3));
    let signed_in = login(&site, &alice).await;
    let token = text(&signed_in, "access_token");
    let ask = |wallet: &Wallet| json!({ "address": wallet.address() }).to_string();
    let put = site.with(token, "POST", "/api/v1/auth/wallets/challenge", ask(&phone).as_bytes()).await.json();
    let message = text(&put, "message").to_owned();
    let body = json!({ "message": message, "signature": phone.sign(&message) });
    // A link is no login, and a login no link.
    assert_eq!(post(&site, "/api/v1/auth/login", &body).await.problem(), (403, "signin_address".into()));
    let bobs = login(&site, &bob).await;
    let stolen =
        site.with(text(&bobs, "access_token"), "POST", "/api/v1/auth/wallets", body.to_string().as_bytes()).await;
    assert_eq!(stolen.problem(), (403, "signin_address".into()), "for this account alone");
    let linked = site.with(token, "POST", "/api/v1/auth/wallets", body.to_string().as_bytes()).await;
    assert_eq!(linked.json()["items"].as_array().map(Vec::len), Some(2), "{linked:?}");
    assert_eq!(login(&site, &phone).await["account"]["id"], signed_in["account"]["id"]);

    let put = site.with(token, "POST", "/api/v1/auth/wallets/challenge", ask(&bob).as_bytes()).await.json();
    let message = text(&put, "message").to_owned();
    let body = json!({ "message": message, "signature": bob.sign(&message) }).to_string();
    let taken = site.with(token, "POST", "/api/v1/auth/wallets", body.as_bytes()).await;
    assert_eq!(taken.problem(), (409, "wallet_taken".into()));

    for (at, expected) in [(0, 204), (1, 409)] {
        let wallets = linked.json();
        let path = format!("/api/v1/auth/wallets/{}", text(&wallets["items"][at], "address"));
        assert_eq!(site.with(token, "DELETE", &path, b"").await.status, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_change_without_a_gap_and_are_published() {
    let site = Site::start(settings).await;
    let before = login(&site, &Wallet::new(1)).await;
    let kids = |answer: &Answer| answer.json()["keys"].as_array().unwrap().len();
    assert_eq!(kids(&site.get("/.well-known/jwks.json", &[]).await), 1);
    let made = site.api("POST", "/api/v1/auth/keys/rotate", br#"{"at_once":true}"#).await;
    assert_eq!(made.status, 200, "{made:?}");
    let set = site.get("/.well-known/jwks.json", &[]).await;
    assert_eq!((kids(&set), set.header("content-type")), (2, "application/jwk-set+json"));
    let after = login(&site, &Wallet::new(1)).await;
    let header = |token: &Value| text(token, "access_token").split('.').next().unwrap().to_owned();
    assert_ne!(header(&before), header(&after));
    let site = site.restart().await;
    for token in [&before, &after] {
        assert_eq!(status(&site, text(token, "access_token")).await, 200);
    }
}
