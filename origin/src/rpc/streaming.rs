//! `StreamingService`: where an asset plays.

use axum::http::Method;
use serde_json::json;
use tonic::{Request, Response, Status};

use super::twin::{Ask, From, Twin, escaped};
use super::v1::streaming_service_server::StreamingService;
use super::v1::{CreatePlaybackTokenRequest, CreatePlaybackTokenResponse};

#[tonic::async_trait]
impl StreamingService for Twin {
    async fn create_playback_token(
        &self,
        call: Request<CreatePlaybackTokenRequest>,
    ) -> Result<Response<CreatePlaybackTokenResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let seconds = Some(asked.ttl_seconds).filter(|&seconds| seconds > 0);
        let path = format!("/api/v1/content/{}/token", escaped(&asked.id));
        let ask = Ask::new(Method::POST, path).json(&json!({ "ttl_seconds": seconds }));
        self.ask(&From::of(&metadata, &extensions), ask).await.map(Response::new)
    }
}
