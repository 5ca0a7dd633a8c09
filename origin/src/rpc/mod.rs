//! gRPC, on the port of REST. Each call is made of the request that is its twin (`twin.rs`), which goes through the same guard to the
//! same function: there is one table of rights, one set of limits and one list of refusals. `proto/streamgate/v1`.

mod auth;
mod content;
mod health;
mod nft;
mod refusal;
mod streaming;
mod transcode;
mod twin;
mod upload;

use axum::Router;

use twin::Twin;

/// Messages and services, made of `proto/` by `build.rs`.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
mod v1 {
    tonic::include_proto!("streamgate.v1");
}

/// What reflection tells.
const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/streamgate.v1.bin"));

/// The services that health knows.
const SERVICES: [&str; 6] = [
    "streamgate.v1.AuthService",
    "streamgate.v1.ContentService",
    "streamgate.v1.UploadService",
    "streamgate.v1.TranscodeService",
    "streamgate.v1.StreamingService",
    "streamgate.v1.NftService",
];

/// `rest` with the services beside it.
pub(crate) fn beside(rest: Router) -> Router {
    let twin = Twin::new(rest.clone());
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let (reflection, alpha) = (reflection().build_v1(), reflection().build_v1alpha());
    let (reflection, alpha) = (reflection.expect("prost wrote them"), alpha.expect("prost wrote them"));
    rest.route_service(
        "/streamgate.v1.AuthService/{*call}",
        v1::auth_service_server::AuthServiceServer::new(twin.clone()),
    )
    .route_service("/streamgate.v1.NftService/{*call}", v1::nft_service_server::NftServiceServer::new(twin.clone()))
    .route_service(
        "/streamgate.v1.ContentService/{*call}",
        v1::content_service_server::ContentServiceServer::new(twin.clone()),
    )
    .route_service(
        "/streamgate.v1.UploadService/{*call}",
        v1::upload_service_server::UploadServiceServer::new(twin.clone()),
    )
    .route_service(
        "/streamgate.v1.TranscodeService/{*call}",
        v1::transcode_service_server::TranscodeServiceServer::new(twin.clone()),
    )
    .route_service(
        "/streamgate.v1.StreamingService/{*call}",
        v1::streaming_service_server::StreamingServiceServer::new(twin.clone()),
    )
    .route_service("/grpc.health.v1.Health/{*call}", tonic_health::pb::health_server::HealthServer::new(twin))
    .route_service("/grpc.reflection.v1.ServerReflection/{*call}", reflection)
    .route_service("/grpc.reflection.v1alpha.ServerReflection/{*call}", alpha)
}
