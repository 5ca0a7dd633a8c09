//! A case as a value: what the client asks step by step, what the origin would say, and what must come of it.
//!
//! Values may be written relative to the run: `@-30` is the HTTP date 30 seconds before the origin's clock, `@850:-30` the same in the
//! obsolete RFC 850 form, `{path}` the requested path and `{case}` the case's own. `{client}` in a request
//! or an expectation is the number of one of many clients, `{ask:Name}` in an answer a field of its request, `{none}` no field at all. A field of the origin written `~Name: value` need not reach the
//! client as it is.

/// What a failure means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The specification is violated.
    Required,
    /// A stored answer could have been used and was not.
    Optimal,
    /// Nothing: the behaviour is noted.
    Check,
    /// A promise of ours that the public cases do not ask for.
    Own,
}

/// One scripted exchange after another on one URL of its own.
#[derive(Clone, Debug)]
pub struct Case {
    pub id: String,
    pub kind: Kind,
    /// Cases without which this one would show nothing: they must pass too.
    pub needs: Vec<&'static str>,
    /// Runs against an edge that listens to what clients direct.
    pub listens: bool,
    /// Runs against an edge and an origin of its own, so that it is known which connection is used.
    pub alone: bool,
    pub steps: Vec<Step>,
}

/// Where an answer must have come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    Anywhere,
    /// The origin did not make it for this step.
    Cache,
    /// The origin made it for this step.
    Origin,
    /// The origin was asked with `If-None-Match` and said 304.
    Tag,
    /// The origin was asked with `If-Modified-Since` and said 304.
    Date,
}

/// The status the client must see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// What the origin would say.
    Said,
    Is(u16),
    Any,
}

/// The body the client must see.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// What the origin would say.
    Said,
    Is(String),
    /// These parts as `multipart/byteranges`: first byte, last byte, length of the whole, bytes.
    Parts(Vec<(usize, usize, usize, String)>),
    /// Anything that is not longer.
    AtMost(usize),
    Any,
}

/// What a field of the answer must be.
#[derive(Clone, Debug)]
pub enum Shown {
    There(&'static str),
    Is(String, String),
    Contains(String, String),
    MoreThan(&'static str, u64),
    AtMost(&'static str, u64),
    Missing(&'static str),
    /// Absent, or without this text.
    Without(String, String),
}

/// What a field of the request must be as the origin sees it.
#[derive(Clone, Debug)]
pub enum Sent {
    Is(String, String),
    Contains(String, String),
    Missing(&'static str),
}

/// An interim answer: its status and fields.
pub type Interim = (u16, Vec<&'static str>);

/// One request, its answer, and what is checked.
#[derive(Clone, Debug)]
pub struct Step {
    pub method: &'static str,
    pub version: &'static str,
    /// How many clients ask at the same time.
    pub clients: usize,
    /// No two clients are given the same answer of the origin.
    pub apart: bool,
    pub asks: Vec<(String, String)>,
    pub upload: Option<&'static str>,
    pub path: &'static str,
    pub query: String,
    /// Wait afterwards, long enough for two seconds of freshness to pass.
    pub pause: bool,

    pub status: u16,
    pub says: Vec<Said>,
    /// The body; without one the case's own name in a UUID's form.
    pub body: Option<String>,
    /// A Range that the body can satisfy is answered with that part.
    pub serves_ranges: bool,
    pub interim: Vec<Interim>,
    pub hang_up: bool,
    pub slow_ms: u64,
    /// The origin closes the connection a little after its answer.
    pub closes: bool,

    pub source: Source,
    pub expect_status: Status,
    pub expect_body: Body,
    pub shown: Vec<Shown>,
    pub sent: Vec<Sent>,
    /// How often the origin is asked for this step.
    pub asked: Option<usize>,
    pub sent_method: Option<&'static str>,
    pub expect_interim: Option<Vec<Interim>>,
}

/// A field of the origin's answer.
#[derive(Clone, Debug)]
pub struct Said {
    pub name: String,
    pub value: String,
    /// Must reach the client unchanged.
    pub checked: bool,
}

fn case(kind: Kind, id: impl Into<String>, steps: impl Into<Vec<Step>>) -> Case {
    Case { id: id.into(), kind, needs: Vec::new(), listens: false, alone: false, steps: steps.into() }
}

pub fn required(id: impl Into<String>, steps: impl Into<Vec<Step>>) -> Case {
    case(Kind::Required, id, steps)
}

pub fn optimal(id: impl Into<String>, steps: impl Into<Vec<Step>>) -> Case {
    case(Kind::Optimal, id, steps)
}

pub fn own(id: impl Into<String>, steps: impl Into<Vec<Step>>) -> Case {
    case(Kind::Own, id, steps)
}

pub fn check(id: impl Into<String>, steps: impl Into<Vec<Step>>) -> Case {
    case(Kind::Check, id, steps)
}

impl Case {
    pub fn listening(mut self) -> Case {
        self.listens = true;
        self
    }

    pub fn alone(mut self) -> Case {
        self.alone = true;
        self
    }

    pub fn needs(mut self, id: &'static str) -> Case {
        self.needs.push(id);
        self
    }
}

/// Says of every case that it shows nothing unless `id` passes.
pub fn all_need(id: &'static str, cases: impl IntoIterator<Item = Case>) -> Vec<Case> {
    cases.into_iter().map(|c| if c.id == id { c } else { c.needs(id) }).collect()
}

pub fn ask(method: &'static str) -> Step {
    Step {
        method,
        version: "HTTP/1.1",
        clients: 1,
        apart: false,
        asks: Vec::new(),
        upload: None,
        path: "",
        query: String::new(),
        pause: false,
        status: 200,
        says: Vec::new(),
        body: None,
        serves_ranges: false,
        interim: Vec::new(),
        hang_up: false,
        slow_ms: 0,
        closes: false,
        source: Source::Anywhere,
        expect_status: Status::Said,
        expect_body: Body::Said,
        shown: Vec::new(),
        sent: Vec::new(),
        asked: None,
        sent_method: None,
        expect_interim: None,
    }
}

pub fn get() -> Step {
    ask("GET")
}

fn split(line: &str) -> (String, String) {
    let (name, value) = line.split_once(':').expect("a field line");
    (name.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned())
}

impl Step {
    /// A field of the request.
    pub fn asks(mut self, line: &str) -> Step {
        self.asks.push(split(line));
        self
    }

    pub fn upload(mut self, body: &'static str) -> Step {
        self.upload = Some(body);
        self
    }

    /// A resource below the case's own.
    pub fn path(mut self, path: &'static str) -> Step {
        self.path = path;
        self
    }

    pub fn query(mut self, query: &str) -> Step {
        query.clone_into(&mut self.query);
        self
    }

    pub fn pause(mut self) -> Step {
        self.pause = true;
        self
    }

    /// The origin's status.
    pub fn status(mut self, status: u16) -> Step {
        self.status = status;
        self
    }

    /// A field of the origin's answer.
    pub fn says(mut self, line: &str) -> Step {
        let (checked, line) = line.strip_prefix('~').map_or((true, line), |line| (false, line));
        let (name, value) = split(line);
        self.says.push(Said { name, value, checked });
        self
    }

    /// The origin's body.
    pub fn body(mut self, body: impl Into<String>) -> Step {
        self.body = Some(body.into());
        self
    }

    /// The origin serves ranges of its body, to who names its entity tag or none.
    pub fn serves_ranges(mut self) -> Step {
        self.serves_ranges = true;
        self
    }

    /// The origin's interim answer.
    pub fn interim(mut self, status: u16, fields: &[&'static str]) -> Step {
        self.interim.push((status, fields.to_vec()));
        self
    }

    /// The origin closes the connection without an answer.
    pub fn hangs_up(mut self) -> Step {
        self.hang_up = true;
        self
    }

    /// The origin closes the connection a little after its answer.
    pub fn then_closes(mut self) -> Step {
        self.closes = true;
        self
    }

    /// The origin thinks before it answers.
    pub fn slow(mut self, ms: u64) -> Step {
        self.slow_ms = ms;
        self
    }

    fn source(mut self, source: Source) -> Step {
        self.source = source;
        self
    }

    pub fn cached(self) -> Step {
        self.source(Source::Cache)
    }

    pub fn fetched(self) -> Step {
        self.source(Source::Origin)
    }

    pub fn tag_validated(self) -> Step {
        self.source(Source::Tag)
    }

    pub fn date_validated(self) -> Step {
        self.source(Source::Date)
    }

    pub fn expect(mut self, status: u16) -> Step {
        self.expect_status = Status::Is(status);
        self
    }

    pub fn any_status(mut self) -> Step {
        self.expect_status = Status::Any;
        self
    }

    pub fn expect_body(mut self, body: &str) -> Step {
        self.expect_body = Body::Is(body.to_owned());
        self
    }

    pub fn any_body(mut self) -> Step {
        self.expect_body = Body::Any;
        self
    }

    /// The answer has this field with this value.
    pub fn shows(mut self, line: &str) -> Step {
        let (name, value) = split(line);
        self.shown.push(Shown::Is(name, value));
        self
    }

    /// The answer has this field.
    pub fn has(mut self, name: &'static str) -> Step {
        self.shown.push(Shown::There(name));
        self
    }

    /// The answer's field is a number above `bound`.
    pub fn above(mut self, name: &'static str, bound: u64) -> Step {
        self.shown.push(Shown::MoreThan(name, bound));
        self
    }

    /// The answer's field is a number, and not above `bound`.
    pub fn at_most_field(mut self, name: &'static str, bound: u64) -> Step {
        self.shown.push(Shown::AtMost(name, bound));
        self
    }

    /// The answer does not have this field.
    pub fn lacks(mut self, name: &'static str) -> Step {
        self.shown.push(Shown::Missing(name));
        self
    }

    /// The answer's field does not contain this text.
    pub fn lacks_value(mut self, line: &str) -> Step {
        let (name, value) = split(line);
        self.shown.push(Shown::Without(name, value));
        self
    }

    /// The origin was sent this field with this value.
    pub fn sent(mut self, line: &str) -> Step {
        let (name, value) = split(line);
        self.sent.push(Sent::Is(name, value));
        self
    }

    /// The origin was sent this field with this text in it.
    pub fn sent_with(mut self, line: &str) -> Step {
        let (name, value) = split(line);
        self.sent.push(Sent::Contains(name, value));
        self
    }

    /// The origin was not sent this field.
    pub fn not_sent(mut self, name: &'static str) -> Step {
        self.sent.push(Sent::Missing(name));
        self
    }

    /// The origin is asked so often for this step.
    pub fn asked(mut self, times: usize) -> Step {
        self.asked = Some(times);
        self
    }

    /// The edge answers by itself, with this status.
    pub fn refused(self, status: u16) -> Step {
        self.expect(status).any_body().lacks("server-request-count").asked(0)
    }

    /// So many clients ask at once; what is expected holds for each.
    pub fn clients(mut self, count: usize) -> Step {
        self.clients = count;
        self
    }

    /// No two of the clients share an answer.
    pub fn apart(mut self) -> Step {
        self.apart = true;
        self
    }

    pub fn version(mut self, version: &'static str) -> Step {
        self.version = version;
        self
    }

    pub fn expect_parts(mut self, parts: &[(usize, usize, usize, &str)]) -> Step {
        self.expect_body = Body::Parts(parts.iter().map(|&(a, b, n, text)| (a, b, n, text.to_owned())).collect());
        self
    }

    pub fn at_most(mut self, length: usize) -> Step {
        self.expect_body = Body::AtMost(length);
        self
    }

    /// The answer's field contains this text.
    pub fn shows_with(mut self, line: &str) -> Step {
        let (name, value) = split(line);
        self.shown.push(Shown::Contains(name, value));
        self
    }

    /// The origin was asked with this method.
    pub fn sent_method(mut self, method: &'static str) -> Step {
        self.sent_method = Some(method);
        self
    }

    /// Exactly these interim answers reach the client.
    pub fn expect_interim(mut self, interim: &[(u16, &[&'static str])]) -> Step {
        self.expect_interim = Some(interim.iter().map(|(status, fields)| (*status, fields.to_vec())).collect());
        self
    }
}
