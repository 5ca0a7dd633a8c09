//! `grpc.health.v1.Health`: serving when `GET /readyz` says so.

use std::pin::Pin;

use axum::http::Method;
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::Value;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::SERVICES;
use super::twin::{Ask, From, Twin};
use crate::limits::HEALTH_LOOK;

impl Twin {
    async fn serving(&self) -> ServingStatus {
        match self.ask::<Value>(&From::default(), Ask::new(Method::GET, "/readyz".into())).await {
            Ok(_) => ServingStatus::Serving,
            Err(_) => ServingStatus::NotServing,
        }
    }
}

#[tonic::async_trait]
impl Health for Twin {
    async fn check(&self, call: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let service = call.into_inner().service;
        if !service.is_empty() && !SERVICES.contains(&service.as_str()) {
            return Err(Status::new(Code::NotFound, "There is no such service."));
        }
        Ok(Response::new(HealthCheckResponse { status: self.serving().await.into() }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(&self, call: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let service = call.into_inner().service;
        let is_known = service.is_empty() || SERVICES.contains(&service.as_str());
        let told = unfold((self.clone(), None), move |(twin, last)| async move {
            loop {
                if last.is_some() {
                    tokio::time::sleep(HEALTH_LOOK).await;
                }
                let now = if is_known { twin.serving().await } else { ServingStatus::ServiceUnknown };
                if last != Some(now) {
                    return Some((Ok(HealthCheckResponse { status: now.into() }), (twin, Some(now))));
                }
            }
        });
        Ok(Response::new(Box::pin(told)))
    }
}
