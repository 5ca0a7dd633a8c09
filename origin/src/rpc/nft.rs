//! `NftService`: chains, and asking to watch by what a wallet holds.

use axum::http::Method;
use serde_json::json;
use tonic::{Request, Response, Status};

use super::twin::{Ask, From, Twin, escaped};
use super::v1::nft_service_server::NftService;
use super::v1::{
    AskToWatchRequest, AskToWatchResponse, ListChainStatusRequest, ListChainStatusResponse, ListChainsRequest,
    ListChainsResponse,
};

#[tonic::async_trait]
impl NftService for Twin {
    async fn list_chains(&self, call: Request<ListChainsRequest>) -> Result<Response<ListChainsResponse>, Status> {
        let (metadata, extensions, _) = call.into_parts();
        let ask = Ask::new(Method::GET, "/api/v1/web3/supported-chains".into());
        self.ask(&From::of(&metadata, &extensions), ask).await.map(Response::new)
    }

    async fn list_chain_status(
        &self,
        call: Request<ListChainStatusRequest>,
    ) -> Result<Response<ListChainStatusResponse>, Status> {
        let (metadata, extensions, _) = call.into_parts();
        let ask = Ask::new(Method::GET, "/api/v1/web3/rpc-status".into());
        self.ask(&From::of(&metadata, &extensions), ask).await.map(Response::new)
    }

    async fn ask_to_watch(&self, call: Request<AskToWatchRequest>) -> Result<Response<AskToWatchResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let ask = Ask::new(Method::POST, format!("/api/v1/content/{}/watch", escaped(&asked.id)));
        let ask = if asked.password.is_empty() { ask } else { ask.json(&json!({ "password": asked.password })) };
        self.ask(&From::of(&metadata, &extensions), ask).await.map(Response::new)
    }
}
