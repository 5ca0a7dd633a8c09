//! `TranscodeService`: `/api/v1/transcode`, and its status as a stream.

use std::pin::Pin;

use axum::http::Method;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use serde_json::json;
use tonic::{Request, Response, Status};

use super::twin::{Ask, From, Twin, escaped};
use super::v1::transcode_service_server::TranscodeService;
use super::v1::{
    CancelTranscodeRequest, CancelTranscodeResponse, GetTranscodeRequest, GetTranscodeResponse, SubmitTranscodeRequest,
    SubmitTranscodeResponse, TranscodeStatus, WatchTranscodeRequest, WatchTranscodeResponse,
};
use crate::limits::STREAM_LOOK;

impl Twin {
    async fn transcode_status(&self, from: &From, id: &str) -> Result<TranscodeStatus, Status> {
        self.ask(from, Ask::new(Method::GET, format!("/api/v1/transcode/status/{}", escaped(id)))).await
    }
}

#[tonic::async_trait]
impl TranscodeService for Twin {
    async fn submit_transcode(
        &self,
        call: Request<SubmitTranscodeRequest>,
    ) -> Result<Response<SubmitTranscodeResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let wanted = json!({ "asset": asked.asset, "priority": asked.priority, "needs": asked.needs });
        let ask = Ask::new(Method::POST, "/api/v1/transcode/submit".into()).json(&wanted);
        self.ask(&From::of(&metadata, &extensions), ask).await.map(Response::new)
    }

    async fn get_transcode(
        &self,
        call: Request<GetTranscodeRequest>,
    ) -> Result<Response<GetTranscodeResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let status = self.transcode_status(&From::of(&metadata, &extensions), &asked.id).await?;
        Ok(Response::new(GetTranscodeResponse { status: Some(status) }))
    }

    type WatchTranscodeStream = Pin<Box<dyn Stream<Item = Result<WatchTranscodeResponse, Status>> + Send>>;

    async fn watch_transcode(
        &self,
        call: Request<WatchTranscodeRequest>,
    ) -> Result<Response<Self::WatchTranscodeStream>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let (twin, from) = (self.clone(), From::of(&metadata, &extensions));
        // Refused before the stream begins, when it is.
        let first = twin.transcode_status(&from, &asked.id).await?;
        let look = (twin, from, asked.id, Some(first), None::<TranscodeStatus>);
        let told = try_unfold(look, |(twin, from, id, mut known, mut last)| async move {
            if last.as_ref().is_some_and(|last| ["ready", "failed"].contains(&last.state.as_str())) {
                return Ok(None);
            }
            loop {
                let status = match known.take() {
                    Some(first) => first,
                    None => {
                        tokio::time::sleep(STREAM_LOOK).await;
                        twin.transcode_status(&from, &id).await?
                    }
                };
                if last.as_ref() != Some(&status) {
                    last = Some(status.clone());
                    let told = WatchTranscodeResponse { status: Some(status) };
                    return Ok::<_, Status>(Some((told, (twin, from, id, known, last))));
                }
            }
        });
        Ok(Response::new(Box::pin(told)))
    }

    async fn cancel_transcode(
        &self,
        call: Request<CancelTranscodeRequest>,
    ) -> Result<Response<CancelTranscodeResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let ask = Ask::new(Method::POST, format!("/api/v1/transcode/cancel/{}", escaped(&asked.id)));
        self.ask(&From::of(&metadata, &extensions), ask).await.map(Response::new)
    }
}
