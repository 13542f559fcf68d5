//! The connections to the endpoints of a config, and what each call over them carries.

use std::collections::HashMap;
use std::fs;
use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep_until};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

use crate::config::{self, Config};
use crate::stubs::sessionstore::v1::admin_service_client::AdminServiceClient;
use crate::stubs::sessionstore::v1::session_store_service_client::SessionStoreServiceClient;

pub const MAX_ANSWER_BYTES: usize = 16 << 20;

/// The connections of a run, each made when it is first used.
#[derive(Default)]
pub struct Channels {
    open: HashMap<String, Channel>,
}

impl Channels {
    /// A caller at an endpoint, with the endpoint's own token unless another is named.
    pub fn caller(&mut self, config: &Config, name: &str, token: Option<&str>) -> Result<Caller> {
        let endpoint = config.endpoint(name)?;
        let channel = match self.open.get(name) {
            Some(channel) => channel.clone(),
            None => {
                let channel = connect(endpoint)?;
                self.open.insert(name.to_owned(), channel.clone());
                channel
            }
        };
        let token = match token.or(endpoint.token.as_deref()) {
            None | Some("nobody") => None,
            Some(used) => {
                let secret = config.tokens.get(used).with_context(|| format!("no token {used}"))?;
                Some(format!("Bearer {secret}").parse()?)
            }
        };
        Ok(Caller { channel, token, deadline: None })
    }

    /// Has the next call connect anew; tails keep the connection that they have.
    pub fn forget(&mut self) {
        self.open.clear();
    }
}

/// A caller at the default endpoint, without a deadline.
pub fn default_caller(config: &Config) -> Result<Caller> {
    Channels::default().caller(config, &config.default, None)
}

/// Who calls: a connection, the token that goes along, and until when an answer is waited for.
#[derive(Clone)]
pub struct Caller {
    pub channel: Channel,
    token: Option<MetadataValue<Ascii>>,
    deadline: Option<Instant>,
}

impl Caller {
    /// The same, for a call that may last so long.
    pub fn lasting(self, limit: Duration) -> Self {
        Self { deadline: Some(Instant::now() + limit), ..self }
    }

    pub fn session_store(&self) -> SessionStoreServiceClient<Channel> {
        SessionStoreServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// A request that carries the token and the deadline.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        if let Some(deadline) = self.deadline {
            request.set_timeout(deadline.saturating_duration_since(Instant::now()));
        }
        request
    }

    /// Waits for a part of a call, until the deadline.
    ///
    /// Tonic tells the server of the deadline, but its own clock ends with the headers of the answer, and says CANCELLED
    /// where gRPC says DEADLINE_EXCEEDED.
    pub async fn within<T>(&self, part: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        let Some(deadline) = self.deadline else {
            return part.await;
        };
        tokio::select! {
            // This clock runs out first, when tonic's does at the same time.
            biased;
            () = sleep_until(deadline) => Err(Status::deadline_exceeded("the deadline has passed")),
            done = part => done,
        }
    }
}

fn connect(endpoint: &config::Endpoint) -> Result<Channel> {
    let address = &endpoint.address;
    let target = if address.starts_with("unix:") {
        // The path of a socket is no authority.
        Endpoint::from_shared(address.clone())?.origin("http://localhost".parse()?)
    } else if endpoint.ca_file.is_some() {
        Endpoint::from_shared(format!("https://{address}"))?.tls_config(tls(endpoint)?)?
    } else {
        Endpoint::from_shared(format!("http://{address}"))?
    };
    Ok(target.connect_lazy())
}

fn tls(endpoint: &config::Endpoint) -> Result<ClientTlsConfig> {
    let read = |file: &str| fs::read(file).with_context(|| file.to_owned());
    let mut tls = ClientTlsConfig::new();
    if let Some(authority) = &endpoint.ca_file {
        tls = tls.ca_certificate(Certificate::from_pem(read(authority)?));
    }
    if let (Some(certificate), Some(key)) = (&endpoint.certificate_file, &endpoint.key_file) {
        tls = tls.identity(Identity::from_pem(read(certificate)?, read(key)?));
    }
    Ok(tls)
}
