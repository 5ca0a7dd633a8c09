//! Promised: gRPC stands on the port of REST, has its rights and refusals, and moves the same assets. The client here is HTTP/2 and
//! protobuf by hand.

use axum::http::{HeaderMap, Request};
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::TcpStream;

use crate::support::{Site, clip, http};

/// A message whose first field is a text: most requests are.
#[derive(Clone, PartialEq, Message)]
pub struct Named {
    #[prost(string, tag = "1")]
    id: String,
}

#[derive(Clone, PartialEq, Message)]
struct Content {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "3")]
    title: String,
    #[prost(string, repeated, tag = "6")]
    tags: Vec<String>,
    #[prost(uint64, tag = "14")]
    bytes: u64,
}

#[derive(Clone, PartialEq, Message)]
struct OfContent {
    #[prost(message, tag = "1")]
    content: Option<Content>,
}

#[derive(Clone, PartialEq, Message)]
struct About {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    title: String,
    #[prost(string, repeated, tag = "6")]
    tags: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Part {
    #[prost(message, tag = "1")]
    about: Option<About>,
    #[prost(bytes = "vec", optional, tag = "2")]
    piece: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    state: String,
    #[prost(double, tag = "6")]
    progress: f64,
}

#[derive(Clone, PartialEq, Message)]
struct OfStatus {
    #[prost(message, tag = "1")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, Message)]
struct Health {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// The messages of an answer, its status and its code.
pub struct Answer {
    messages: Vec<Bytes>,
    pub status: u32,
    pub code: String,
}

fn framed(messages: &[impl Message]) -> Bytes {
    let mut body = BytesMut::new();
    for message in messages {
        body.put_u8(0);
        body.put_u32(message.encoded_len() as u32);
        message.encode(&mut body).unwrap();
    }
    body.freeze()
}

pub async fn call(site: &Site, key: Option<&str>, method: &str, messages: &[impl Message]) -> Answer {
    let stream = TcpStream::connect(site.origin.addr()).await.unwrap();
    let io = TokioIo::new(stream);
    let (mut client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::post(format!("http://origin/{method}"));
    request = request.header("content-type", "application/grpc").header("te", "trailers");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let answer = client.send_request(request.body(Full::new(framed(messages))).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200, "{answer:?}");
    let head = answer.headers().clone();
    let body = answer.into_body().collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or(head);
    let word = |map: &HeaderMap, name: &str| map.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (status, code) = (word(&trailers, "grpc-status"), word(&trailers, "streamgate-code"));
    let mut bytes = body.to_bytes();
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let head = bytes.split_to(5);
        found.push(bytes.split_to(u32::from_be_bytes(head[1..].try_into().unwrap()) as usize));
    }
    Answer { messages: found, status: status.parse().unwrap(), code }
}

pub fn named(id: &str) -> [Named; 1] {
    [Named { id: id.to_owned() }]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_by_grpc_is_an_asset_like_any_other() {
    let site = Site::start(|_| {}).await;
    let key = site.key("creator", "alice").await;
    let bytes = clip(2, 160, 90);
    let about =
        About { name: "trip.mp4".into(), title: "A trip & more".into(), tags: vec!["sea".into(), "sun".into()] };
    let mut parts = vec![Part { about: Some(about), piece: None }];
    parts.extend(bytes.chunks(10_000).map(|piece| Part { about: None, piece: Some(piece.to_vec()) }));
    let uploaded = call(&site, Some(&key), "streamgate.v1.UploadService/Upload", &parts).await;
    assert_eq!((uploaded.status, uploaded.messages.len()), (0, 1), "{}", uploaded.code);
    let id = Named::decode(uploaded.messages[0].clone()).unwrap().id;
    let watched = call(&site, Some(&key), "streamgate.v1.TranscodeService/WatchTranscode", &named(&id)).await;
    assert_eq!(watched.status, 0);
    let told = watched.messages.iter().map(|bytes| OfStatus::decode(bytes.clone()).unwrap().status.unwrap());
    let told: Vec<_> = told.collect();
    assert_eq!(told.last().map(|last| (last.state.as_str(), last.progress)), Some(("ready", 1.0)), "{told:?}");
    assert!(told.is_sorted_by(|a, b| a.progress <= b.progress), "{told:?}");
    let got = call(&site, Some(&key), "streamgate.v1.ContentService/GetContent", &named(&id)).await;
    let content = OfContent::decode(got.messages[0].clone()).unwrap().content.unwrap();
    assert_eq!((content.title.as_str(), content.bytes), ("A trip & more", bytes.len() as u64));
    assert_eq!((content.id, content.tags), (id.clone(), vec!["sea".into(), "sun".into()]));
    let rest = site.api("GET", &format!("/api/v1/content/{id}"), b"").await.json();
    assert_eq!((rest["owner"].as_str(), rest["state"].as_str()), (Some("alice"), Some("ready")));
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_and_refusals_are_those_of_rest() {
    let site = Site::start(|_| {}).await;
    let (alice, mallory) = (site.key("creator", "alice").await, site.key("creator", "mallory").await);
    let made = site.with(&alice, "POST", "/api/v1/upload?name=x.mp4", b"no video at all").await.json();
    let id = made["id"].as_str().unwrap();
    let get = "streamgate.v1.ContentService/GetContent";
    let delete = "streamgate.v1.ContentService/DeleteContent";
    for (key, method, id, expected) in [
        (None, get, id, (16, "api_key_missing")),
        (Some("sgk_wrong"), get, id, (16, "api_key_wrong")),
        (Some(mallory.as_str()), get, id, (0, "")),
        (Some(&mallory), delete, id, (7, "not_yours")),
        (Some(&alice), get, "nobody", (5, "unknown_asset")),
        (Some(&alice), get, "../keys", (5, "unknown_asset")),
        (Some(&alice), "streamgate.v1.UploadService/Upload", "", (3, "")),
        (Some(&alice), delete, id, (0, "")),
    ] {
        let answer = call(&site, key, method, &named(id)).await;
        assert_eq!((answer.status, answer.code.as_str()), expected, "{method} {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_answers_and_http1_goes_on_beside() {
    let site = Site::start(|_| {}).await;
    let check = "grpc.health.v1.Health/Check";
    for (service, status, serving) in [("", 0, 1), ("streamgate.v1.ContentService", 0, 1), ("nobody", 5, 0)] {
        let answer = call(&site, None, check, &named(service)).await;
        let said = answer.messages.first().map_or(0, |bytes| Health::decode(bytes.clone()).unwrap().status);
        assert_eq!((answer.status, said), (status, serving), "{service}");
    }
    // A method that begins as the preface of HTTP/2 does.
    for method in ["P", "PR", "PUT", "PRINT", "GET"] {
        let answer = http::request(site.origin.addr(), method, "/healthz", &[], b"").await;
        assert_eq!(answer.status, if method == "GET" { 200 } else { 405 }, "{method}");
    }
}

#[derive(Clone, PartialEq, Message)]
struct ListServices {
    #[prost(string, optional, tag = "7")]
    list_services: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    service: Vec<Named>,
}

#[derive(Clone, PartialEq, Message)]
struct OfServices {
    #[prost(message, tag = "6")]
    list_services_response: Option<Services>,
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_tells_of_every_service() {
    let site = Site::start(|_| {}).await;
    let expected = ["Auth", "Content", "Nft", "Streaming", "Transcode", "Upload"];
    for version in ["v1", "v1alpha"] {
        let method = format!("grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let answer = call(&site, None, &method, &[ListServices { list_services: Some(String::new()) }]).await;
        let said = OfServices::decode(answer.messages[0].clone()).unwrap().list_services_response.unwrap();
        let names: Vec<_> = said.service.into_iter().map(|service| service.id).collect();
        for service in expected {
            assert!(names.contains(&format!("streamgate.v1.{service}Service")), "{service}: {names:?}");
        }
        assert!(names.contains(&"grpc.health.v1.Health".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_and_asking_to_watch_are_those_of_rest() {
    let site = Site::start(|_| {}).await;
    let id = site.upload("&visibility=gated", b"no video").await;
    let eve = site.key("viewer", "eve").await;
    let watch = "streamgate.v1.NftService/AskToWatch";
    for (key, method, expected) in [
        (None, watch, (16, "api_key_missing")),
        (Some(eve.as_str()), watch, (7, "no_rule")),
        (Some(&eve), "streamgate.v1.AuthService/GetProfile", (7, "session_needed")),
        (None, "streamgate.v1.AuthService/Refresh", (16, "refresh_token_wrong")),
        (None, "streamgate.v1.NftService/ListChains", (0, "")),
        (Some(&eve), "streamgate.v1.NftService/ListChainStatus", (7, "role_too_low")),
    ] {
        let answer = call(&site, key, method, &named(&id)).await;
        assert_eq!((answer.status, answer.code.as_str()), expected, "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_is_refused() {
    let site = Site::start(|_| {}).await;
    let key = site.key("creator", "alice").await;
    let parts = [
        Part { about: Some(About::default()), piece: None },
        Part { about: None, piece: Some(vec![7; (4 << 20) + 1]) },
    ];
    let answer = call(&site, Some(&key), "streamgate.v1.UploadService/Upload", &parts).await;
    assert_ne!(answer.status, 0);
    assert_eq!(site.api("GET", "/api/v1/content", b"").await.json()["items"], serde_json::json!([]));
}
