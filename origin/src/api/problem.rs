//! Every refusal of this server: status, stable code and title in one table; the detail is said where it is refused.
//! Answers are problem documents (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use durable::{Part, StoreError};
use serde_json::{Value, json};

use crate::limits::AWAY_S;

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    KeyMissing,
    KeyWrong,
    KeyEnded,
    ScopeMissing,
    RoleTooLow,
    NotYours,
    UnknownKey,
    TooManyKeys,
    EdgeKeyMissing,
    EdgeKeyWrong,
    Stale,
    BadKey,
    KeyRunning,
    KeyReused,
    TooManyAnswers,
    UnknownCategory,
    CategoryTaken,
    CategoryInUse,
    TooManyRequests,
    TooManyStreams,
    UnknownJob,
    UnknownWebhook,
    UnknownDelivery,
    TooManyWebhooks,
    PrivateAddress,
    WorkUnderWay,
    NotNow,
    UnknownPath,
    UnknownAsset,
    UnknownTrack,
    UnknownSegment,
    NotEncrypted,
    NotYetPlayable,
    AssetFailed,
    WrongMethod,
    BadQuery,
    BadBody,
    EmptyUpload,
    UnknownUpload,
    UploadExpired,
    UploadLocked,
    UploadComplete,
    OffsetMismatch,
    ChecksumMismatch,
    DigestMismatch,
    BadUpload,
    BadLength,
    BadParts,
    TusVersion,
    NoVideo,
    QuotaExceeded,
    UploadCut,
    UploadSlow,
    UploadTooLarge,
    NotRaw,
    TooManyUploads,
    DiskFull,
    BadRange,
    BadAddress,
    SignInOff,
    SignInText,
    SignInDomain,
    SignInUri,
    SignInChain,
    SignInNonce,
    SignInAddress,
    SignInTime,
    SignInExpired,
    SignInUsed,
    SignInSignature,
    AccessTokenWrong,
    AccessTokenExpired,
    SessionEnded,
    RefreshTokenWrong,
    RefreshTokenReused,
    SessionNeeded,
    AccountBanned,
    UnknownAccount,
    UnknownSession,
    UnknownWallet,
    WalletTaken,
    LastWallet,
    TooManyWallets,
    UnknownRule,
    UnknownGrant,
    UnknownContract,
    BadRule,
    NoRule,
    RuleNotMet,
    PasswordNeeded,
    PasswordWrong,
    ChainNotRead,
    GateClosed,
    NoS3,
    CatalogueAway,
    ObjectsAway,
    RedisAway,
    RoleAway,
    UploadAway,
    KeysShared,
    Internal,
}

impl Refusal {
    /// Status, code and title.
    fn row(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::KeyMissing => (S::UNAUTHORIZED, "api_key_missing", "An API key is needed"),
            Self::KeyWrong => (S::UNAUTHORIZED, "api_key_wrong", "This API key is not valid"),
            Self::KeyEnded => (S::UNAUTHORIZED, "api_key_ended", "This API key is no longer valid"),
            Self::ScopeMissing => (S::FORBIDDEN, "scope_missing", "This API key is for other things"),
            Self::RoleTooLow => (S::FORBIDDEN, "role_too_low", "This API key may not do that"),
            Self::NotYours => (S::FORBIDDEN, "not_yours", "It belongs to someone else"),
            Self::UnknownKey => (S::NOT_FOUND, "unknown_key", "There is no such API key"),
            Self::TooManyKeys => (S::CONFLICT, "too_many_keys", "There are as many API keys as may be"),
            Self::EdgeKeyMissing => (S::FORBIDDEN, "edge_key_missing", "Only edges may fetch this"),
            Self::EdgeKeyWrong => (S::FORBIDDEN, "edge_key_wrong", "This edge key is not valid"),
            Self::Stale => (S::PRECONDITION_FAILED, "stale", "It is not as it was when you read it"),
            Self::BadKey => (S::BAD_REQUEST, "bad_idempotency_key", "The Idempotency-Key is not valid"),
            Self::KeyRunning => (S::CONFLICT, "idempotency_key_running", "The same request is being worked on"),
            Self::KeyReused => (S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Another request had this key"),
            Self::TooManyAnswers => (S::TOO_MANY_REQUESTS, "too_many_idempotency_keys", "Too many keys are in use"),
            Self::UnknownCategory => (S::UNPROCESSABLE_ENTITY, "unknown_category", "There is no such category"),
            Self::CategoryTaken => (S::CONFLICT, "category_taken", "The category cannot be made"),
            Self::CategoryInUse => (S::CONFLICT, "category_in_use", "Assets carry this category"),
            Self::TooManyRequests => (S::TOO_MANY_REQUESTS, "too_many_requests", "Requests come too fast"),
            Self::TooManyStreams => (S::SERVICE_UNAVAILABLE, "too_many_streams", "Too many follow the events"),
            Self::UnknownJob => (S::NOT_FOUND, "unknown_job", "There is no such job or schedule"),
            Self::UnknownWebhook => (S::NOT_FOUND, "unknown_webhook", "There is no such webhook"),
            Self::UnknownDelivery => (S::NOT_FOUND, "unknown_delivery", "There is no such delivery"),
            Self::TooManyWebhooks => (S::CONFLICT, "too_many_webhooks", "There are as many webhooks as may be"),
            Self::PrivateAddress => (S::UNPROCESSABLE_ENTITY, "private_address", "The address is not a public one"),
            Self::WorkUnderWay => (S::CONFLICT, "work_under_way", "The asset is being worked on"),
            Self::NotNow => (S::CONFLICT, "not_now", "The job is not in a state for this"),
            Self::UnknownPath => (S::NOT_FOUND, "unknown_path", "There is nothing at this address"),
            Self::UnknownAsset => (S::NOT_FOUND, "unknown_asset", "There is no such asset"),
            Self::UnknownTrack => (S::NOT_FOUND, "unknown_track", "The asset has no such track"),
            Self::NotEncrypted => (S::NOT_FOUND, "not_encrypted", "There is no key"),
            Self::UnknownSegment => (S::NOT_FOUND, "unknown_segment", "The track has no such segment"),
            Self::NotYetPlayable => (S::NOT_FOUND, "not_yet_playable", "The asset cannot be played yet"),
            Self::AssetFailed => (S::NOT_FOUND, "asset_failed", "The asset could not be made playable"),
            Self::WrongMethod => (S::METHOD_NOT_ALLOWED, "wrong_method", "This address does not take that method"),
            Self::BadQuery => (S::BAD_REQUEST, "bad_query", "The query is not valid"),
            Self::BadBody => (S::BAD_REQUEST, "bad_body", "The body is not valid"),
            Self::EmptyUpload => (S::BAD_REQUEST, "empty_upload", "The upload has no bytes"),
            Self::UnknownUpload => (S::NOT_FOUND, "unknown_upload", "There is no such upload"),
            Self::UploadExpired => (S::GONE, "upload_expired", "The upload's time is over"),
            Self::UploadLocked => (S::LOCKED, "upload_locked", "Another request writes to this upload"),
            Self::UploadComplete => (S::FORBIDDEN, "upload_complete", "The upload is complete"),
            Self::OffsetMismatch => (S::CONFLICT, "offset_mismatch", "The upload is at another offset"),
            Self::ChecksumMismatch => (checksum_mismatch(), "checksum_mismatch", "The bytes are others than announced"),
            Self::DigestMismatch => (S::BAD_REQUEST, "digest_mismatch", "The bytes are others than announced"),
            Self::BadUpload => (S::BAD_REQUEST, "bad_upload", "The upload's headers are not valid"),
            Self::BadLength => (S::BAD_REQUEST, "inconsistent_length", "The upload's length is another"),
            Self::BadParts => (S::BAD_REQUEST, "bad_parts", "The parts cannot be put together"),
            Self::TusVersion => (S::PRECONDITION_FAILED, "tus_version", "This version of tus is not spoken"),
            Self::NoVideo => (S::UNSUPPORTED_MEDIA_TYPE, "no_video", "The upload is no video"),
            Self::QuotaExceeded => (S::PAYLOAD_TOO_LARGE, "quota_exceeded", "The owner has no room for this"),
            Self::UploadCut => (S::BAD_REQUEST, "upload_cut", "The upload ended too early"),
            Self::UploadSlow => (S::REQUEST_TIMEOUT, "upload_slow", "The upload stood still"),
            Self::UploadTooLarge => (S::PAYLOAD_TOO_LARGE, "upload_too_large", "The upload is too large"),
            Self::NotRaw => (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body has the wrong type"),
            Self::TooManyUploads => (S::SERVICE_UNAVAILABLE, "too_many_uploads", "Too many uploads at once"),
            Self::DiskFull => (S::INSUFFICIENT_STORAGE, "disk_full", "The disk is full"),
            Self::BadRange => (S::RANGE_NOT_SATISFIABLE, "bad_range", "The range is outside of the object"),
            Self::BadAddress => (S::BAD_REQUEST, "bad_address", "The address is not valid"),
            Self::SignInOff => (S::FORBIDDEN, "signin_off", "Nobody can sign in here"),
            Self::SignInText => (S::BAD_REQUEST, "signin_text", "The signed text is not valid"),
            Self::SignInDomain => (S::FORBIDDEN, "signin_domain", "The text is for another domain"),
            Self::SignInUri => (S::FORBIDDEN, "signin_uri", "The text is for another URI"),
            Self::SignInChain => (S::FORBIDDEN, "signin_chain", "The text is for another chain"),
            Self::SignInNonce => (S::FORBIDDEN, "signin_nonce", "The nonce is not of this server"),
            Self::SignInAddress => (S::FORBIDDEN, "signin_address", "The challenge was for another address"),
            Self::SignInTime => (S::FORBIDDEN, "signin_time", "The text's times are not now"),
            Self::SignInExpired => (S::FORBIDDEN, "signin_expired", "The challenge has expired"),
            Self::SignInUsed => (S::FORBIDDEN, "signin_used", "The challenge was answered before"),
            Self::SignInSignature => (S::FORBIDDEN, "signin_signature", "The signature is not the address's"),
            Self::AccessTokenWrong => (S::UNAUTHORIZED, "access_token_wrong", "This access token is not valid"),
            Self::AccessTokenExpired => (S::UNAUTHORIZED, "access_token_expired", "This access token has expired"),
            Self::SessionEnded => (S::UNAUTHORIZED, "session_ended", "The session has ended"),
            Self::RefreshTokenWrong => (S::UNAUTHORIZED, "refresh_token_wrong", "This refresh token is not valid"),
            Self::RefreshTokenReused => (S::UNAUTHORIZED, "refresh_token_reused", "This refresh token was used before"),
            Self::SessionNeeded => (S::FORBIDDEN, "session_needed", "This is for those who signed in"),
            Self::AccountBanned => (S::FORBIDDEN, "account_banned", "The account is shut out"),
            Self::UnknownAccount => (S::NOT_FOUND, "unknown_account", "There is no such account"),
            Self::UnknownSession => (S::NOT_FOUND, "unknown_session", "There is no such session"),
            Self::UnknownWallet => (S::NOT_FOUND, "unknown_wallet", "The account has no such wallet"),
            Self::WalletTaken => (S::CONFLICT, "wallet_taken", "The wallet belongs to another account"),
            Self::LastWallet => (S::CONFLICT, "last_wallet", "It is the account's last wallet"),
            Self::TooManyWallets => (S::CONFLICT, "too_many_wallets", "The account has as many wallets as may be"),
            Self::UnknownRule => (S::NOT_FOUND, "unknown_rule", "There is no rule"),
            Self::UnknownContract => (S::NOT_FOUND, "unknown_contract", "There is no such contract"),
            Self::UnknownGrant => (S::NOT_FOUND, "unknown_grant", "There is no such grant"),
            Self::BadRule => (S::UNPROCESSABLE_ENTITY, "bad_rule", "This rule cannot be used"),
            Self::NoRule => (S::FORBIDDEN, "no_rule", "Nobody may watch this yet"),
            Self::RuleNotMet => (S::FORBIDDEN, "rule_not_met", "The rule of this asset is not met"),
            Self::PasswordNeeded => (S::FORBIDDEN, "password_needed", "A password is needed to watch this"),
            Self::PasswordWrong => (S::FORBIDDEN, "password_wrong", "This password is not the one"),
            Self::ChainNotRead => (S::SERVICE_UNAVAILABLE, "chain_not_read", "A chain cannot be read"),
            Self::GateClosed => (S::SERVICE_UNAVAILABLE, "gate_closed", "The gate cannot decide"),
            Self::NoS3 => (S::CONFLICT, "no_s3", "Media objects are not in an S3"),
            Self::CatalogueAway => (S::SERVICE_UNAVAILABLE, "catalogue_away", "The catalogue does not answer"),
            Self::ObjectsAway => (S::SERVICE_UNAVAILABLE, "objects_away", "The object storage does not answer"),
            Self::RedisAway => (S::SERVICE_UNAVAILABLE, "redis_away", "The shared cache does not answer"),
            Self::RoleAway => (S::SERVICE_UNAVAILABLE, "role_away", "This part of the server is not there"),
            Self::UploadAway => (S::SERVICE_UNAVAILABLE, "upload_away", "The bytes of this upload are away"),
            Self::KeysShared => (S::CONFLICT, "keys_shared", "The keys come from the secret of the roles"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "The server failed"),
        }
    }

    /// A refusal with the sentence for this case.
    pub(crate) fn because(self, detail: impl Into<String>) -> Problem {
        Problem { refusal: self, detail: detail.into(), offsets: None, after_seconds: None, missing: Vec::new() }
    }
}

/// A refusal on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) refusal: Refusal,
    pub(crate) detail: String,
    /// Of an upload: where it is, and where the client believed it to be.
    offsets: Option<(u64, u64)>,
    /// When it is worth asking again.
    after_seconds: Option<u64>,
    /// What a rule asks for and was not found.
    missing: Vec<Value>,
}

/// The status that tus has for it, extension "checksum".
fn checksum_mismatch() -> StatusCode {
    StatusCode::from_u16(460).expect("three digits")
}

impl Problem {
    /// Tells where an upload is, and where the client believed it to be.
    pub(crate) fn at(self, expected: u64, provided: u64) -> Self {
        Self { offsets: Some((expected, provided)), ..self }
    }

    /// Tells when it is worth asking again.
    pub(crate) fn after(self, seconds: u64) -> Self {
        Self { after_seconds: Some(seconds), ..self }
    }

    /// Tells what a rule asks for and was not found.
    pub(crate) fn with_missing(self, missing: Vec<Value>) -> Self {
        Self { missing, ..self }
    }

    /// A failure of ours: the reason goes to the log, the client learns only that it happened.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "a request failed");
        Refusal::Internal
            .because("The request could not be answered because of a fault on the server. Its log says more.")
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => Refusal::DiskFull
                .because("There is not enough room for this on the server's disk. Free some space and try again."),
            StoreError::Away { part, why } => {
                tracing::warn!(%part, why, "a part of the store does not answer");
                let refusal = match part {
                    Part::Catalogue => Refusal::CatalogueAway,
                    Part::Objects => Refusal::ObjectsAway,
                };
                refusal
                    .because(format!("For now {part} does not answer. Send the same again in a moment."))
                    .after(AWAY_S)
            }
            error => Self::internal(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, title) = self.refusal.row();
        let mut body = json!({
            "type": format!("urn:streamgate:problem:{code}"),
            "title": title,
            "status": status.as_u16(),
            "detail": self.detail,
            "code": code,
        });
        if let Some((expected, provided)) = self.offsets {
            // As draft-ietf-httpbis-resumable-upload registers it.
            body["type"] = "https://iana.org/assignments/http-problem-types#mismatching-upload-offset".into();
            (body["expected-offset"], body["provided-offset"]) = (expected.into(), provided.into());
        }
        if !self.missing.is_empty() {
            body["missing"] = self.missing.into();
        }
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.after_seconds {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        match self.refusal {
            Refusal::KeyMissing
            | Refusal::KeyWrong
            | Refusal::KeyEnded
            | Refusal::AccessTokenWrong
            | Refusal::AccessTokenExpired
            | Refusal::SessionEnded => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Refusal::TooManyUploads
            | Refusal::TooManyStreams
            | Refusal::NotYetPlayable
            | Refusal::KeyRunning
            | Refusal::UploadLocked => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
