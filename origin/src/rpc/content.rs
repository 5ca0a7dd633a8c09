//! `ContentService`: `/api/v1/content` and `/api/v1/search`.

use axum::http::Method;
use serde_json::{Map, Value};
use tonic::{Request, Response, Status};

use super::twin::{Ask, From, Twin, escaped, with_query};
use super::v1::content_service_server::ContentService;
use super::v1::{
    DeleteContentRequest, DeleteContentResponse, GetContentRequest, GetContentResponse, ListContentRequest,
    ListContentResponse, RestoreContentRequest, RestoreContentResponse, SearchContentRequest, SearchContentResponse,
    UpdateContentRequest, UpdateContentResponse,
};

#[tonic::async_trait]
impl ContentService for Twin {
    async fn get_content(&self, call: Request<GetContentRequest>) -> Result<Response<GetContentResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let ask = Ask::new(Method::GET, format!("/api/v1/content/{}", escaped(&asked.id)));
        let content = self.ask(&From::of(&metadata, &extensions), ask).await?;
        Ok(Response::new(GetContentResponse { content: Some(content) }))
    }

    async fn list_content(&self, call: Request<ListContentRequest>) -> Result<Response<ListContentResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let path = with_query(
            "/api/v1/content",
            &[
                ("limit", &number(asked.limit)),
                ("after", &asked.after),
                ("owner", &asked.owner),
                ("state", &asked.state),
                ("visibility", &asked.visibility),
                ("language", &asked.language),
                ("tag", &asked.tag),
                ("category", &asked.category),
                ("deleted", if asked.deleted { "true" } else { "" }),
            ],
        );
        self.ask(&From::of(&metadata, &extensions), Ask::new(Method::GET, path)).await.map(Response::new)
    }

    async fn search_content(
        &self,
        call: Request<SearchContentRequest>,
    ) -> Result<Response<SearchContentResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let query = [("q", asked.q.as_str()), ("limit", &number(asked.limit)), ("after", &asked.after)];
        let ask = Ask::new(Method::GET, with_query("/api/v1/search", &query));
        self.ask(&From::of(&metadata, &extensions), ask).await.map(Response::new)
    }

    async fn update_content(
        &self,
        call: Request<UpdateContentRequest>,
    ) -> Result<Response<UpdateContentResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let texts = [
            ("title", asked.title),
            ("description", asked.description),
            ("language", asked.language),
            ("visibility", asked.visibility),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?))));
        let lists = [("tags", asked.tags), ("categories", asked.categories)];
        let lists = lists.into_iter().filter_map(|(name, words)| Some((name.to_owned(), Value::from(words?.words))));
        let change = Value::Object(texts.chain(lists).collect::<Map<_, _>>());
        let path = format!("/api/v1/content/{}", escaped(&asked.id));
        let ask = Ask::new(Method::PATCH, path).version(asked.version).json(&change);
        let content = self.ask(&From::of(&metadata, &extensions), ask).await?;
        Ok(Response::new(UpdateContentResponse { content: Some(content) }))
    }

    async fn delete_content(
        &self,
        call: Request<DeleteContentRequest>,
    ) -> Result<Response<DeleteContentResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let path = format!("/api/v1/content/{}", escaped(&asked.id));
        let path = with_query(&path, &[("purge", if asked.purge { "true" } else { "" })]);
        self.ask(&From::of(&metadata, &extensions), Ask::new(Method::DELETE, path)).await.map(Response::new)
    }

    async fn restore_content(
        &self,
        call: Request<RestoreContentRequest>,
    ) -> Result<Response<RestoreContentResponse>, Status> {
        let (metadata, extensions, asked) = call.into_parts();
        let ask = Ask::new(Method::POST, format!("/api/v1/content/{}/restore", escaped(&asked.id)));
        let content = self.ask(&From::of(&metadata, &extensions), ask).await?;
        Ok(Response::new(RestoreContentResponse { content: Some(content) }))
    }
}

/// A number of a query; 0: none.
fn number(number: u32) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}
