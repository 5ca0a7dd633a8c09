//! `AuthService`: `/api/v1/auth`.

use axum::http::Method;
use serde_json::{Map, Value, json};
use tonic::{Request, Response, Status};

use super::twin::{Ask, From, Twin, escaped, read_as};
use super::v1::auth_service_server::AuthService;
use super::v1::{
    Account, Challenge, ChallengeFor, CreateChallengeRequest, CreateChallengeResponse, CreateLinkChallengeRequest,
    CreateLinkChallengeResponse, EndSessionRequest, EndSessionResponse, GetProfileRequest, GetProfileResponse,
    LinkWalletRequest, LinkWalletResponse, ListSessionsRequest, ListSessionsResponse, ListWalletsRequest,
    ListWalletsResponse, LoginRequest, LoginResponse, LogoutRequest, LogoutResponse, Proof, RefreshRequest,
    RefreshResponse, Tokens, UnlinkWalletRequest, UnlinkWalletResponse, VerifyRequest, VerifyResponse,
};

impl Twin {
    async fn challenge(&self, from: &From, path: &str, whom: Option<ChallengeFor>) -> Result<Challenge, Status> {
        let ChallengeFor { address, chain, format, domain } = whom.unwrap_or_default();
        let said = [("address", address), ("chain", chain), ("format", format), ("domain", domain)];
        let ask = Ask::new(Method::POST, path.into()).json(&said_of(said));
        let mut value: Value = self.ask(from, ask).await?;
        for name in ["typed_data", "input"] {
            if let Some(part) = value.get_mut(name) {
                *part = part.to_string().into();
            }
        }
        read_as(value)
    }

    async fn whole<T: serde::de::DeserializeOwned>(
        &self,
        from: &From,
        method: Method,
        path: &str,
    ) -> Result<Response<T>, Status> {
        self.ask(from, Ask::new(method, path.into())).await.map(Response::new)
    }
}

fn proof(proof: Option<Proof>) -> Value {
    let Proof { format, message, signed_message, address, chain, nonce, domain, signature } = proof.unwrap_or_default();
    let mut said = said_of([
        ("format", format),
        ("message", message),
        ("signed_message", signed_message),
        ("address", address),
        ("chain", chain),
        ("nonce", nonce),
        ("domain", domain),
    ]);
    said["signature"] = signature.into();
    said
}

/// What is not empty.
fn said_of<const N: usize>(said: [(&str, String); N]) -> Value {
    let said = said.into_iter().filter(|(_, text)| !text.is_empty());
    Value::Object(said.map(|(name, text)| (name.to_owned(), text.into())).collect::<Map<_, _>>())
}

#[tonic::async_trait]
impl AuthService for Twin {
    async fn create_challenge(
        &self,
        call: Request<CreateChallengeRequest>,
    ) -> Result<Response<CreateChallengeResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let from = From::of(&metadata, &extensions);
        let challenge = self.challenge(&from, "/api/v1/auth/challenge", asked.whom).await?;
        Ok(Response::new(CreateChallengeResponse { challenge: Some(challenge) }))
    }

    async fn login(&self, call: Request<LoginRequest>) -> Result<Response<LoginResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let ask = Ask::new(Method::POST, "/api/v1/auth/login".into()).json(&proof(asked.proof));
        let mut value: Value = self.ask(&From::of(&metadata, &extensions), ask).await?;
        let account: Account = read_as(value["account"].take())?;
        let tokens: Tokens = read_as(value)?;
        Ok(Response::new(LoginResponse { tokens: Some(tokens), account: Some(account) }))
    }

    async fn refresh(&self, call: Request<RefreshRequest>) -> Result<Response<RefreshResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let ask = Ask::new(Method::POST, "/api/v1/auth/refresh".into());
        let ask = ask.json(&json!({ "refresh_token": asked.refresh_token }));
        let tokens = self.ask(&From::of(&metadata, &extensions), ask).await?;
        Ok(Response::new(RefreshResponse { tokens: Some(tokens) }))
    }

    async fn logout(&self, call: Request<LogoutRequest>) -> Result<Response<LogoutResponse>, Status> {
        let (metadata, extensions, _) = call.into_parts();
        self.whole(&From::of(&metadata, &extensions), Method::POST, "/api/v1/auth/logout").await
    }

    async fn verify(&self, call: Request<VerifyRequest>) -> Result<Response<VerifyResponse>, Status> {
        let (metadata, extensions, _) = call.into_parts();
        self.whole(&From::of(&metadata, &extensions), Method::GET, "/api/v1/auth/verify").await
    }

    async fn get_profile(&self, call: Request<GetProfileRequest>) -> Result<Response<GetProfileResponse>, Status> {
        let (metadata, extensions, _) = call.into_parts();
        self.whole(&From::of(&metadata, &extensions), Method::GET, "/api/v1/auth/profile").await
    }

    async fn list_sessions(
        &self,
        call: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let (metadata, extensions, _) = call.into_parts();
        self.whole(&From::of(&metadata, &extensions), Method::GET, "/api/v1/auth/sessions").await
    }

    async fn end_session(&self, call: Request<EndSessionRequest>) -> Result<Response<EndSessionResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let path = format!("/api/v1/auth/sessions/{}", escaped(&asked.id));
        self.whole(&From::of(&metadata, &extensions), Method::DELETE, &path).await
    }

    async fn list_wallets(&self, call: Request<ListWalletsRequest>) -> Result<Response<ListWalletsResponse>, Status> {
        let (metadata, extensions, _) = call.into_parts();
        self.whole(&From::of(&metadata, &extensions), Method::GET, "/api/v1/auth/wallets").await
    }

    async fn create_link_challenge(
        &self,
        call: Request<CreateLinkChallengeRequest>,
    ) -> Result<Response<CreateLinkChallengeResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let from = From::of(&metadata, &extensions);
        let challenge = self.challenge(&from, "/api/v1/auth/wallets/challenge", asked.whom).await?;
        Ok(Response::new(CreateLinkChallengeResponse { challenge: Some(challenge) }))
    }

    async fn link_wallet(&self, call: Request<LinkWalletRequest>) -> Result<Response<LinkWalletResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let ask = Ask::new(Method::POST, "/api/v1/auth/wallets".into()).json(&proof(asked.proof));
        self.ask(&From::of(&metadata, &extensions), ask).await.map(Response::new)
    }

    async fn unlink_wallet(
        &self,
        call: Request<UnlinkWalletRequest>,
    ) -> Result<Response<UnlinkWalletResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let path = format!("/api/v1/auth/wallets/{}", escaped(&asked.address));
        self.whole(&From::of(&metadata, &extensions), Method::DELETE, &path).await
    }
}
