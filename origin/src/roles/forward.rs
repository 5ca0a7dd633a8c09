//! forward: a request goes to an instance of its role as it came, and its answer back as it is. One connection a request: an upload is
//! long, and whether one can be connected to is known before a byte of the body was taken.
//!
//! Another instance is asked when one cannot be connected to, and when one breaks off a GET or HEAD before its answer; never when it may
//! have taken part of a body.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::response::{IntoResponse, Response};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::instances::Instances;
use super::place::{Clue, place};
use super::vouch::{ROLE_KEY, vouch};
use super::{Address, Role};
use crate::Config;
use crate::access::Caller;
use crate::api::problem::Refusal;
use crate::house::House;
use crate::limits::{ROLE_ANSWER_WITHIN, ROLE_CONNECT_WITHIN, ROLES_LOOK};
use crate::monitor::INSTANCE;

/// Of one connection alone (RFC 9110 section 7.6.1), and what this hop says itself.
const NOT_FORWARDED: [HeaderName; 9] = [
    header::CONNECTION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-forwarded-for"),
];

/// The instances of the roles that do not run here.
#[derive(Debug, Default)]
pub(crate) struct Elsewhere {
    /// By [`Role`], as it counts.
    of: [Instances; Role::ALL.len()],
}

impl Elsewhere {
    fn of(&self, role: Role) -> &Instances {
        &self.of[role as usize]
    }

    /// The roles that run elsewhere and are asked from here, and whether somebody is there.
    pub(crate) fn standing(&self, config: &Config) -> impl Iterator<Item = (&'static str, bool)> {
        asked(config).map(|role| (role.word(), !self.of(role).are_away()))
    }

    /// Resolves names and looks after the instances, until `stop` turns true.
    pub(crate) async fn keep(house: Arc<House>, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let looks =
                asked(&house.config).map(|role| look(house.elsewhere.of(role), house.config.role_addresses.of(role)));
            futures_util::future::join_all(looks).await;
            tokio::select! {
                () = tokio::time::sleep(ROLES_LOOK) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }
}

/// The roles that requests may be forwarded to.
fn asked(config: &Config) -> impl Iterator<Item = Role> {
    Role::ALL.into_iter().filter(|role| !config.roles.has(*role) && !config.role_addresses.of(*role).is_empty())
}

async fn look(instances: &Instances, addresses: &[Address]) {
    let found = futures_util::future::join_all(addresses.iter().map(Address::resolve)).await;
    let found = found.concat();
    // Names that cannot be resolved for a moment leave what was known.
    if !found.is_empty() {
        instances.are(&found);
    }
    let looks = instances.all().into_iter().map(|at| async move {
        let ask = Request::get("/healthz").header(header::HOST, at.to_string()).body(Body::empty());
        let asked = async {
            let mut sender = connect(at).await?;
            sender.send_request(ask.expect("constant parts")).await.ok()
        };
        let answer = timeout(ROLES_LOOK, asked).await.ok().flatten();
        if let Some(name) = answer.as_ref().and_then(|answer| answer.headers().get(INSTANCE)?.to_str().ok()) {
            instances.is_called(at, name);
        }
        instances.showed(at, answer.is_some_and(|answer| answer.status().is_success()));
    });
    futures_util::future::join_all(looks).await;
}

async fn connect(at: SocketAddr) -> Option<http1::SendRequest<Body>> {
    let stream = timeout(ROLE_CONNECT_WITHIN, TcpStream::connect(at)).await.ok()?.ok()?;
    let _ = stream.set_nodelay(true);
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    // It ends with its request.
    tokio::spawn(connection);
    Some(sender)
}

/// Asks an instance of `role` what `caller` asks here. What a gateway has forwarded already goes no further.
pub(crate) async fn forward(
    house: &House,
    role: Role,
    clue: Clue<'_>,
    caller: Option<&Caller>,
    request: Request,
) -> Response {
    if request.headers().contains_key(ROLE_KEY) {
        return away(role);
    }
    let instances = house.elsewhere.of(role);
    let (mut parts, body) = request.into_parts();
    let places = match place(house, instances, &clue, &parts.headers, caller).await {
        Ok(places) => places,
        Err(problem) => return problem.into_response(),
    };
    without_hop(&mut parts.headers);
    let secret = house.config.role_secret.as_ref().map(|secret| secret.text()).unwrap_or_default();
    vouch(&mut parts.headers, secret, caller);
    let is_repeatable = matches!(parts.method, Method::GET | Method::HEAD);
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let mut body = Some(body);
    for at in places {
        let Some(mut sender) = connect(at).await else {
            instances.showed(at, false);
            continue;
        };
        let mut ask = Request::builder().method(parts.method.clone()).uri(&target);
        if let Some(headers) = ask.headers_mut() {
            *headers = parts.headers.clone();
        }
        // A GET has no body that would be of use.
        let taken = if is_repeatable { Body::empty() } else { body.take().unwrap_or_default() };
        let Ok(ask) = ask.body(taken) else { return away(role) };
        let answer = sender.send_request(ask);
        let answer = if is_repeatable {
            timeout(ROLE_ANSWER_WITHIN, answer).await.ok().and_then(Result::ok)
        } else {
            answer.await.inspect_err(|error| tracing::info!(%at, %error, "an instance broke off")).ok()
        };
        match answer {
            Some(answer) => {
                let (mut parts, body) = answer.into_parts();
                without_hop(&mut parts.headers);
                return Response::from_parts(parts, Body::new(body));
            }
            None if is_repeatable => instances.showed(at, false),
            None => return away(role),
        }
    }
    away(role)
}

/// A field that `Connection` names is of one connection, too.
fn without_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&NOT_FORWARDED) {
        headers.remove(name);
    }
}

fn away(role: Role) -> Response {
    let sentence = format!("No instance of the role {} answers now. Ask again in a moment.", role.word());
    Refusal::RoleAway.because(sentence).after(1).into_response()
}
