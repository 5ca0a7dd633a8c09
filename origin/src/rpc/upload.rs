//! `UploadService`: a stream of pieces as the body of `POST /api/v1/upload`. A piece is read when the one before it was taken, so
//! a slow disk slows the sender down.

use axum::body::Body;
use axum::http::Method;
use bytes::Bytes;
use tonic::{Request, Response, Status, Streaming};

use super::twin::{Ask, From, Twin, with_query};
use super::v1::upload_request::Part;
use super::v1::upload_service_server::UploadService;
use super::v1::{UploadRequest, UploadResponse};

#[tonic::async_trait]
impl UploadService for Twin {
    async fn upload(&self, call: Request<Streaming<UploadRequest>>) -> Result<Response<UploadResponse>, Status> {
        let (metadata, extensions, mut parts) = call.into_parts();
        let Some(UploadRequest { part: Some(Part::About(about)) }) = parts.message().await? else {
            return Err(Status::invalid_argument("The first message says what is uploaded; it is an UploadAbout."));
        };
        let path = with_query(
            "/api/v1/upload",
            &[
                ("name", &about.name),
                ("title", &about.title),
                ("visibility", &about.visibility),
                ("description", &about.description),
                ("language", &about.language),
                ("tags", &about.tags.join(",")),
                ("categories", &about.categories.join(",")),
                ("encryption", &about.encryption),
            ],
        );
        let pieces = futures_util::stream::try_unfold(parts, |mut parts| async move {
            match parts.message().await? {
                None => Ok(None),
                Some(UploadRequest { part: Some(Part::Piece(piece)) }) => Ok(Some((Bytes::from(piece), parts))),
                Some(_) => Err(Status::invalid_argument("After the first message there are pieces alone.")),
            }
        });
        let ask = Ask::new(Method::POST, path).bytes(Body::from_stream(pieces));
        self.ask(&From::of(&metadata, &extensions), ask).await.map(Response::new)
    }
}
