//! Every reason to turn a request down: its status, its word in logs, metrics and headers, in one place.

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $status:literal $word:literal $detail:literal;)*) => {
        /// Why a request was turned down.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub enum Refusal { $($(#[$doc])* $name,)* }

        impl Refusal {
            /// Every reason, in the order of the counters.
            pub const ALL: &'static [Refusal] = &[$(Refusal::$name,)*];

            /// HTTP status of the answer.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Refusal::$name => $status,)* }
            }

            /// The stable word: log field, metric label, `StreamGate-Refusal` header, problem `code`.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Refusal::$name => $word,)* }
            }

            /// One sentence for a person.
            #[must_use]
            pub fn detail(self) -> &'static str {
                match self { $(Refusal::$name => $detail,)* }
            }
        }
    };
}

refusals! {
    /// The request line does not parse (RFC 9112 section 3).
    RequestLine = 400 "request-line" "The request line is not HTTP/1.1.";
    /// A header line does not parse: bad name, folded line, bare CR or LF, NUL (RFC 9112 section 5).
    HeaderSyntax = 400 "header-syntax" "A header line is malformed.";
    /// Delivery directives of a playlist that cannot be (RFC 8216bis section 6.2.5).
    PlaylistDirective = 400 "playlist-directive" "The playlist's delivery directives are malformed.";
    /// A header that may stand once stands twice.
    HeaderRepeated = 400 "header-repeated" "A header that may appear once is repeated.";
    /// The head is larger than the limit.
    HeadTooLarge = 431 "head-too-large" "The request's header section is too large.";
    /// The target is longer than the limit.
    TargetTooLong = 414 "target-too-long" "The request target is too long.";
    /// Absolute, authority or asterisk form where a path was expected.
    TargetForm = 400 "target-form" "The request target must be a path that starts with a slash.";
    /// A dot segment, plain or encoded.
    TargetTraversal = 400 "target-traversal" "The path must not contain dot segments.";
    /// An encoded slash, backslash or NUL in the path.
    TargetEncodedSlash = 400 "target-encoded-slash" "The path must not contain encoded slashes or NUL.";
    /// A byte or escape that may not stand in a target.
    TargetBytes = 400 "target-bytes" "The request target contains characters that are not allowed.";
    /// HTTP/1.1 without Host, or with more than one.
    Host = 400 "host" "Exactly one Host header is required.";
    /// Content-Length is no number, or repeated.
    ContentLength = 400 "content-length" "Content-Length is invalid or repeated.";
    /// Both framings at once: two readers would see two messages.
    LengthAndCoding = 400 "length-and-coding" "Content-Length and Transfer-Encoding exclude each other.";
    /// A transfer coding other than chunked.
    TransferCoding = 501 "transfer-coding" "Only the chunked transfer coding is supported.";
    /// A chunk of the request's body is malformed.
    ChunkSyntax = 400 "chunk-syntax" "The chunked body is malformed.";
    /// Not HTTP/1.0 or HTTP/1.1.
    Version = 505 "version" "Only HTTP/1.0 and HTTP/1.1 are spoken here.";
    /// CONNECT and TRACE.
    Method = 405 "method" "This method is not allowed here.";
    /// An expectation other than 100-continue.
    Expectation = 417 "expectation" "Only 100-continue can be expected.";
    /// The request's body is larger than the limit.
    BodyTooLarge = 413 "body-too-large" "The request's body is too large.";
    /// The request's head or body did not arrive in time.
    RequestTimeout = 408 "request-timeout" "The request did not arrive in time.";
    /// The range lies outside of the representation.
    Range = 416 "range" "The range lies outside of the representation.";
    /// A gated object was asked for without a token.
    TokenMissing = 403 "token-missing" "This needs a playback token.";
    /// The token is no well-formed token.
    TokenMalformed = 403 "token-malformed" "The playback token is malformed.";
    /// The token is signed with no key known here, or with another algorithm than its key's.
    TokenKeyUnknown = 403 "token-key-unknown" "The playback token is signed with an unknown key.";
    /// The signature does not fit.
    TokenSignature = 403 "token-signature" "The playback token's signature is wrong.";
    /// The token's time is over.
    TokenExpired = 403 "token-expired" "The playback token has expired.";
    /// The token's time has not come.
    TokenNotYet = 403 "token-not-yet" "The playback token is not valid yet.";
    /// The token is for something else.
    TokenPath = 403 "token-path" "The playback token does not cover this path.";
    /// The token is meant for somebody else.
    TokenAudience = 403 "token-audience" "The playback token is meant for somebody else.";
    /// The token, its subject or its asset has been taken back.
    TokenRevoked = 403 "token-revoked" "The playback token has been revoked.";
    /// The origin's events have not been heard for longer than the operator allows: what was taken back meanwhile is not known.
    RevocationsStale = 503 "revocations-stale" "It is not known which playback tokens have been revoked.";
    /// The token says something that is not understood, and that may be a restriction.
    TokenClaimUnknown = 403 "token-claim-unknown" "The playback token contains a claim that is not understood.";
    /// The token is for other networks (`catnip`).
    TokenNetwork = 403 "token-network" "The playback token is not for this network.";
    /// The token is for other countries (`catgeoiso3166`), or the country is not known.
    TokenCountry = 403 "token-country" "The playback token is not for this country.";
    /// The token is for other pages, or the request names none.
    TokenReferrer = 403 "token-referrer" "The playback token is not for this page.";
    /// As many streams play as may.
    StreamsExceeded = 403 "streams-exceeded" "As many streams play already as may at once.";
    /// It is not known how many streams play: nobody counts them here, there are too many, or the origin has been silent for longer than the
    /// operator allows.
    StreamsUnknown = 503 "streams-unknown" "It is not known how many streams play.";
    /// The client wants only what is cached, and it is not.
    OnlyIfCached = 504 "only-if-cached" "Not in the cache.";
    /// The origin cannot be reached.
    OriginConnect = 502 "origin-connect" "The origin cannot be reached.";
    /// The origin's certificate does not hold, or there is no TLS with it.
    OriginTls = 502 "origin-tls" "The origin cannot be reached securely.";
    /// The origin did not answer in time.
    OriginTimeout = 504 "origin-timeout" "The origin did not answer in time.";
    /// The origin has held a playlist for three target durations (RFC 8216bis section 6.2.5.2).
    PlaylistTimeout = 503 "playlist-timeout" "The playlist has not come so far in time.";
    /// The origin closed before its answer's head was complete.
    OriginClosed = 502 "origin-closed" "The origin closed the connection.";
    /// The origin's head is malformed or ambiguous.
    OriginHead = 502 "origin-head" "The origin's answer is malformed.";
    /// Every origin has failed a moment ago and is left alone for a while.
    OriginUnavailable = 503 "origin-unavailable" "The origin is out of service.";
    /// The request has been here before (RFC 8586).
    LoopDetected = 508 "loop-detected" "The request goes round in a loop of caches.";
    /// Too many requests wait for the origin.
    OriginBusy = 503 "origin-busy" "Too many requests wait for the origin.";
    /// Every connection slot is taken.
    ConnectionsFull = 503 "connections-full" "Too many connections.";
    /// A trusted proxy began a connection with something else than a PROXY header, or did not end it in time. Nothing is answered.
    ProxyHeader = 400 "proxy-header" "The connection does not begin with a valid PROXY header.";
    /// One address has as many connections as it may have.
    AddressConnections = 503 "address-connections" "Too many connections from this address.";
    /// One address asks for more than it may (RFC 6585 section 4).
    AddressRate = 429 "address-rate" "Too many requests from this address.";
    /// A connection of HTTP/2 sends too much that asks for nothing, or takes back too much of what it asked for. Nothing is answered.
    Flood = 429 "flood" "The connection asks for too much, and for nothing.";
    /// The server is shutting down.
    Draining = 503 "draining" "The server is shutting down.";
}

impl Refusal {
    /// Index of this reason's counter.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Reason phrase of the statuses this program makes itself.
#[must_use]
pub fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        200 => "OK",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        508 => "Loop Detected",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_counters_in_order() {
        let words: std::collections::HashSet<_> = Refusal::ALL.iter().map(|r| r.word()).collect();
        assert_eq!(words.len(), Refusal::ALL.len());
        for (i, refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(refusal.index(), i);
            assert!((400..600).contains(&refusal.status()));
            assert_ne!(phrase(refusal.status()), "Unknown");
        }
    }
}
