"""The groups of settings: names, bounds, defaults, meanings. `settings` puts them together and reads them."""

from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Section(BaseModel):
    """A group of settings; an unknown name in it is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CrawlSettings(Section):
    """How the crawler asks, and when its night counts as complete."""

    min_coverage: float = Field(
        0.9, ge=0, le=1, description="share of what the source announced that must have been seen to publish"
    )
    page_size: int = Field(200, ge=1, le=240, description="listings per search page (API: at most 200; pages: 240)")
    window: int = Field(10_000, ge=200, description="results a single search can page through (eBay's limit)")
    daily_calls: int = Field(
        5_000, ge=10, description="requests a night may make of the API or the pages, tries included"
    )
    search_share: float = Field(
        0.5, gt=0, le=1, description="share of the night's requests that searching may take; the rest reads listings"
    )
    fresh_nights: int = Field(
        3, ge=1, description="a slice that the budget left out counts as covered when it was completed so lately"
    )
    missing_nights: int = Field(2, ge=1, description="nights in which a listing must have been missing to have ended")
    concurrency: int = Field(16, ge=1, le=64, description="requests in flight to the API or the pages")
    photo_concurrency: int = Field(16, ge=1, le=64, description="requests in flight to a photo host")
    delay_s: float = Field(0, ge=0, description="seconds between two requests to one host (AutoThrottle starts there)")
    autothrottle: bool | None = Field(
        None, description="adapt the delay to the answers' latency; default: for every host that is not this machine"
    )
    retries: int = Field(3, ge=0, le=10, description="tries again after a network error, a 429 or a 5xx answer")
    max_retry_after_s: float = Field(
        300, ge=0, description="the longest Retry-After that is waited for; a longer one ends the crawl"
    )
    max_blocks: int = Field(10, ge=1, description="403 and 429 answers in a row that end the crawl as blocked")
    max_photos_per_listing: int = Field(12, ge=1, le=24, description="photos taken of one listing")
    max_photo_bytes: int = Field(20_000_000, ge=1_000, description="a larger photo is refused while it downloads")
    max_photo_tries: int = Field(3, ge=1, description="nights in which a photo may fail before it is given up")
    min_fill: float = Field(
        0.5, ge=0, le=1, description="a field filled in less than this share of its usual rate is drift: held"
    )
    sold_overlap_days: int = Field(7, ge=0, description="how far behind the newest known sale the next night starts")
    contact: str = Field("", description="who runs this crawler (address or URL), sent in the user agent")


class EbaySettings(Section):
    """Where eBay's API and pages live, the key to them, and the permission they are read under."""

    base_url: str = Field(
        "https://api.ebay.com", description="base URL of the API; the sandbox source sets it to its own server"
    )
    web_url: str = Field(
        "https://www.ebay.com", description="base URL of the pages; the sandbox source sets it likewise"
    )
    web_path: str = Field(
        "/b/Cars-Trucks/6001/bn_1865117", description="path of the category's result pages, which robots.txt must allow"
    )
    photo_hosts: tuple[str, ...] = Field(
        ("i.ebayimg.com",),
        description="the hosts that photos may come from; a listing that names another is refused it",
    )
    photo_base_url: str = Field("", description="fetch photos from this host instead of their own (sandbox, mirror)")
    client_id: str = Field("", description="application id (client-credentials grant)")
    client_secret: str = Field(
        "", description="application secret; better set by AUTODETECT_EBAY__CLIENT_SECRET than in a file", repr=False
    )
    marketplace: str = Field(
        "auto", description="X-EBAY-C-MARKETPLACE-ID header; auto: the first crawl asks which one serves the category"
    )
    category: str = Field("6001", description="category id: 6001 is Cars & Trucks")
    permission: str = Field(
        "", description="what permits crawling, storing and training on eBay's data, e.g. a contract reference"
    )


class SandboxSettings(Section):
    """The bundled marketplace."""

    marketplace: str = Field(
        "var/marketplace", description="folder with listings.csv, photos/ and sold.csv; generated when absent"
    )
    night_index: int | None = Field(
        None, ge=1, description="serve the marketplace as of this night; default: completed nights + 1"
    )
    seed: int = Field(0, ge=0, description="seed of the generated marketplace")
    spider: Literal["api", "pages"] = Field("api", description="crawl the sandbox by its API or by its pages")
    faults: tuple[str, ...] = Field(
        (), description="faults to serve, for a drill, e.g. captcha:after=50 (python -m crawlers.sandbox --help)"
    )


class FolderSettings(Section):
    """Your own photos and listings, as a source."""

    path: str = Field("", description="folder with photos by make and model and/or listings.csv (source folder)")
    licence: str = Field("", description="what permits using them, stamped on every sighting and release")


class CatalogSettings(Section):
    """What a person decided about makes and models."""

    answers: str = Field(
        "catalog.toml",
        description="TOML file of a person's answers and lookalikes; `autodetect catalog review` writes it",
    )


class PhotoSettings(Section):
    """What a usable photo is, and when two photos are copies of each other."""

    min_side: int = Field(64, ge=8, description="pixels; a photo with a shorter side is refused")
    max_pixels: int = Field(60_000_000, ge=1_000_000, description="a larger image is refused before it is decoded")
    phash_radius: int = Field(
        8, ge=0, le=16, description="Hamming distance of 64-bit perceptual hashes that makes a candidate copy"
    )
    min_correlation: float = Field(
        0.85, ge=0, le=1, description="correlation of the fine structure of aligned thumbnails that confirms a copy"
    )
    processes: int = Field(0, ge=0, le=256, description="processes that decode and hash; 0: one per core")


class DatasetSettings(Section):
    """Which make and models become classes."""

    min_vehicles: int | None = Field(None, ge=1, description="vehicles a class needs; default 20, for the sandbox 12")
    min_validation: int = Field(3, ge=1, description="validation vehicles a class needs")
    min_test: int = Field(3, ge=1, description="test vehicles a class needs")
    min_sellers: int = Field(5, ge=1, description="sellers who must name a model that the catalogue does not list")
    retire_after_nights: int = Field(30, ge=1, description="nights without any vehicle after which a class retires")
    max_photos_per_class: int = Field(2_000, ge=1, description="training photos of a class")
    max_photos_per_vehicle: int = Field(12, ge=1, description="photos of a vehicle")
    max_listings_per_vehicle: int = Field(20, ge=2, description="what would grow past so many listings is cut apart")


class BackboneSettings(Section):
    """The frozen network below the head; the first night pins it in the lake."""

    weights: str = Field("imagenet", description="imagenet, random, or the path of a .weights.h5 / .keras file")
    architecture: Literal["InceptionV3", "tiny"] = Field(
        "InceptionV3", description="the network; tiny is for trying things out, and has no ImageNet weights"
    )
    input_size: int = Field(
        299, ge=96, le=512, description="side of the square input, pixels; 224 takes half the time of 299"
    )
    geometry: Literal["squash", "letterbox"] = Field(
        "squash", description="how a photo becomes a square: both sides scaled to it, or by one factor with grey around"
    )
    seed: int = Field(0, ge=0, description="seed of random weights")
    batch_size: int = Field(
        32, ge=1, le=512, description="photos per forward pass; part of what makes embeddings repeatable"
    )
    processes: int = Field(1, ge=1, le=64, description="processes that embed photos, which share the cores")
    dask: str = Field("", description="scheduler of a Dask cluster that embeds instead, e.g. tcp://10.0.0.5:8786")
    renew_per_night: int = Field(
        20_000, ge=0, description="embeddings that a night makes ahead for the next backbone; 0: all that are missing"
    )
    engine: Literal["auto", "keras", "openvino", "openvino-bf16"] = Field(
        "auto", description="what computes embeddings; auto: what made the lake's, else the fastest that agrees in fp32"
    )
    mirrored: bool = Field(False, description="embed training photos mirrored as well")


class ClassifierSettings(Section):
    """The nightly head and the gate it must pass."""

    hidden_width: int = Field(512, ge=8, description="width of the dense layer between embedding and classes")
    epochs: int = Field(20, ge=1, description="epochs of a cold start; the learning rate falls to zero over them")
    warm_epochs: int = Field(2, ge=1, description="epochs when the champion is the starting point")
    patience: int = Field(5, ge=1, description="epochs without a better validation loss before training stops")
    batch_size: int = Field(256, ge=8, description="photos of a step; fewer on a night of few photos")
    learning_rate: float = Field(1e-3, gt=0, description="of the dense head, at the beginning")
    warm_learning_rate: float = Field(1e-3, gt=0, description="learning rate when the champion is the starting point")
    embedding_dropout: float = Field(0.5, ge=0, lt=1, description="share of an embedding hidden from each step")
    dropout: float = Field(0.5, ge=0, lt=1, description="share of the dense layer hidden from each step")
    weight_decay: float = Field(1e-4, ge=0)
    label_smoothing: float = Field(0.05, ge=0, lt=1)
    balance: Literal["none", "weights", "sampling", "logits"] = Field(
        "logits", description="how rare classes are helped: not, by weight, by drawing, by logit adjustment"
    )
    cold_start_days: int = Field(30, ge=1, description="days after which training starts afresh, which bounds drift")
    margin_points: float = Field(0.5, ge=0, description="accuracy points a challenger may lose before it is worse")
    min_lift_over_chance: float = Field(
        2.0, ge=0, description="the first model's top-1 must exceed chance by this factor; 0: any first model is taken"
    )


class GateSettings(Section):
    """What the promotion gate allows, beside the margin. Points are accuracy points (10 points are a share of 0.1)."""

    class_drop_points: float = Field(10.0, ge=0, description="a class that drops by less never blocks")
    class_level: float = Field(0.05, gt=0, lt=1, description="chance that any class blocks equal models, all together")
    small_class: int = Field(10, ge=1, description="classes with fewer test vehicles are judged together")
    new_class_floor: float = Field(
        0.25, ge=0, le=1, description="top-3 recall that a new class must surely reach, or it is withheld; 0: none is"
    )
    max_nll_rise: float = Field(0.05, ge=0, description="nats per vehicle that the likelihood may worsen by")
    max_size_bytes: int | None = Field(100_000_000, gt=0, description="largest model that a phone is asked to carry")


class PoisonSettings(Section):
    """When new labels are too doubtful to be trained on."""

    confidence: float = Field(
        0.9, gt=0, lt=1, description="probability that the champion's likeliest classes must reach for it to be sure"
    )
    choices: int = Field(3, ge=1, le=10, description="... and how many classes those may be")
    nights: int = Field(14, ge=1, description="good nights that tonight is compared with")
    min_labels: int = Field(30, ge=5, description="confident answers below which nothing is judged")
    level: float = Field(0.005, gt=0, lt=0.5, description="chance of holding a night that is like those before it")
    min_excess: float = Field(0.03, ge=0, lt=1, description="share of disagreement above the usual that is no matter")
    max_usual: float = Field(
        0.35, gt=0, lt=1, description="a champion that usually disagrees with more than this share judges nothing"
    )
    min_seller_labels: int = Field(5, ge=2, description="confident answers below which a seller is not judged alone")
    seller_level: float = Field(0.01, gt=0, lt=0.5, description="chance of doubting any seller of a usual night")
    min_seller_excess: float = Field(0.2, ge=0, lt=1, description="... above the usual that is no matter for a seller")
    max_seller_share: float = Field(
        0.25, ge=0, le=1, description="share of the night's labels that may be left out with doubtful sellers"
    )
    accepted: tuple[date, ...] = Field(
        (), description="nights whose labels a person has looked at and lets in although they would be held"
    )


class EvaluationSettings(Section):
    """What the nightly evaluation looks at beside the test photos as they are."""

    phone_vehicles: int = Field(
        400, ge=0, description="test vehicles whose photo is also asked as a phone would see the car; 0: none"
    )
    benchmark_per_class: int = Field(20, ge=1, description="test vehicles of a class in the benchmark set, at most")


class FinetuneSettings(Section):
    """Deep training of the backbone: the weekly fine-tune and, with other values, training from random weights."""

    from_layer: str = Field(
        "mixed5", description="the block from which the backbone is trained, by its last layer's name; empty: all of it"
    )
    steps: int = Field(4_000, ge=1, description="the budget: updates of the weights")
    batch_size: int = Field(32, ge=2, description="photos per forward and backward pass")
    accumulate: int = Field(1, ge=1, description="passes whose gradients are averaged into one update")
    learning_rate: float = Field(1e-3, gt=0, description="of the head, at the end of the warm-up (AdamW)")
    backbone_rate: float = Field(0.1, gt=0, le=1, description="the backbone's topmost block learns at so much of that")
    block_decay: float = Field(0.8, gt=0, le=1, description="... and each block below at so much of the one above")
    warmup_steps: int = Field(200, ge=0, description="updates in which the rate rises, before it falls as a cosine")
    final_rate: float = Field(0.01, ge=0, le=1, description="share of the rate that the cosine ends at")
    weight_decay: float = Field(0.01, ge=0, description="of kernels only, times the rate (decoupled)")
    clip_norm: float = Field(1.0, gt=0, description="the gradient's norm over all weights is cut to this")
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    dropout: float = Field(0.2, ge=0, lt=1, description="share of the embedding that a new head does not see")
    ema: float = Field(
        0.999, ge=0, lt=1, description="momentum of the weights' moving average, which is what is kept; 0: the weights"
    )
    precision: Literal["auto", "float32", "mixed_bfloat16"] = Field(
        "auto", description="auto: mixed_bfloat16 on an accelerator, float32 elsewhere"
    )
    checkpoint_every: int = Field(200, ge=1, description="updates between two checkpoints, each with a validation")
    loaders: int = Field(0, ge=0, le=256, description="threads that augment photos; 0: one per core")
    crop_min_area: float = Field(0.4, gt=0, le=1, description="smallest share of a photo that a random crop keeps")
    flip: bool = Field(True, description="mirror every other photo")
    colour: float = Field(0.3, ge=0, lt=1, description="how far brightness, contrast and saturation stray from 1")
    blur: float = Field(0.1, ge=0, le=1, description="share of photos that are blurred")
    erase: float = Field(0.2, ge=0, le=1, description="share of photos that lose a rectangle")


# A package by how its weights are stored: float16, 8-bit integers with a scale per channel, or places in a palette of
# 64 values.
Variant = Literal["fp16", "int8", "palette6"]


class CoremlSettings(Section):
    """The exported packages."""

    deployment_target: Literal["iOS15", "iOS16", "iOS17", "iOS18"] = Field(
        "iOS16", description="the oldest system that must load them; compressed variants need iOS16"
    )
    author: str = "AutoDetect"
    licence: str = "See the release manifest"
    variants: tuple[Variant, ...] = Field(
        ("fp16", "int8", "palette6"), description="packages to make of the model; fp16 is one of them"
    )
    parity_photos: int = Field(256, ge=1, description="photos on which a package must answer as Keras does")
    accuracy_photos: int = Field(
        1024, ge=0, description="test photos, at most, on which the accuracy that a package loses is measured"
    )

    @model_validator(mode="after")
    def _variants_can_be_made(self) -> Self:
        if "fp16" not in self.variants or len(set(self.variants)) < len(self.variants):
            raise ValueError("variants names each package once, and fp16 among them")
        if self.deployment_target == "iOS15" and len(self.variants) > 1:
            raise ValueError('compressed packages need iOS16: with iOS15, set variants to ["fp16"]')
        return self


class ValidationSettings(Section):
    """When tonight's rows look different from those of the nights before."""

    drift_nights: int = Field(14, ge=1, description="good nights that tonight is compared with, by their median")
    drift_min_rows: int = Field(200, ge=50, description="a table with fewer rows tonight is not compared")
    drift_rows_factor: float = Field(5.0, gt=1, description="so many times more or fewer rows than usual are told")
    drift_share_change: float = Field(
        0.15, gt=0, le=1, description="a share of missing values or refused rows that changes by more is told"
    )
    drift_psi_warned: float = Field(
        0.1, gt=0, description="population stability index of a column above which its change is told"
    )
    drift_psi_held: float | None = Field(
        None, gt=0, description="... above which the night is held, e.g. 0.25; left out: it never is"
    )


class PriceSettings(Section):
    """When a figure may be called a price."""

    min_comparables: int = Field(5, ge=1, description="fewer comparables than this: no price, only the reason")
    mad_cutoff: float = Field(3.5, gt=0, description="modified z-score on log price beyond which a price is an outlier")
    window_days: int = Field(1095, ge=1, description="sales older than this before the newest sale are left out")
    min_price: float = Field(100.0, ge=0, description="a lower price is a deposit or a placeholder")
    max_price: float = Field(20_000_000.0, gt=0, description="a higher price is a placeholder")
    trimmed_share: float = Field(0.1, ge=0, lt=0.5, description="share of each end that the trimmed mean leaves out")
    sales_per_model: int = Field(
        50, ge=0, description="sales of a model, the newest ones, that a release carries as comparables"
    )
    history_nights: int = Field(90, ge=1, description="nights of a model's price history that a release carries")

    @model_validator(mode="after")
    def _some_price_is_left(self) -> Self:
        if self.min_price >= self.max_price:
            raise ValueError("min_price must be below max_price")
        return self


class ValuationSettings(Section):
    """What a car is worth by its year, mileage and the like, and when such a value may be told."""

    min_sales: int = Field(200, ge=20, description="fewer priced cars than this: nothing is valued, only priced")
    holdout_share: float = Field(0.2, gt=0, lt=0.5, description="share of vehicles that the nightly evaluation asks")
    coverage: float = Field(0.8, gt=0, lt=1, description="share of cars whose price the interval should hold")
    max_interval_ratio: float = Field(
        6.0, gt=1, description="an interval whose upper end is more times its lower end gives no rating"
    )
    error_nights: int = Field(14, ge=1, description="good nights whose error tonight's is compared with")
    max_error_rise: float = Field(
        0.25, ge=0, description="rise of the median error, beyond chance, that holds the night (0.25: by a quarter)"
    )
    accepted: tuple[date, ...] = Field(
        (), description="nights whose error a person has looked at and lets in although it would hold them"
    )


class ReleaseSettings(Section):
    """Who signs releases, whom a client trusts, and what a release store keeps."""

    key_file: str = Field(
        "var/keys/signing.json", description="private key that signs releases; the demo channel makes one when absent"
    )
    key: str = Field(
        "",
        description="the private key itself (32 bytes in base64); only by AUTODETECT_RELEASE__KEY: no settings file may"
        " hold it; wins over key_file",
        repr=False,
    )
    trusted_key: str = Field(
        "", description="file of the public key that clients trust; empty: the public half of the signing key"
    )
    valid_days: float = Field(
        30, gt=0, le=36_500, description="days after which a client warns that nothing newer was published"
    )
    keep: int = Field(30, ge=1, description="newest releases that `release gc` keeps, besides pinned ones")
    grace_hours: float = Field(24, ge=0, description="hours for which an unfinished publish holds `release gc` back")
    minimum_app_version: str = Field("1.0", description="the oldest app that can read these releases")


class S3Settings(Section):
    """S3-compatible storage; credentials come by the usual AWS variables."""

    endpoint_url: str = Field("", description="e.g. http://127.0.0.1:9000; empty: AWS")
    region: str = Field("", description="empty: as AWS_REGION says")
    addressing_style: Literal["auto", "path", "virtual"] = "auto"
    connect_timeout_s: float = Field(5.0, gt=0)
    read_timeout_s: float = Field(30.0, gt=0, description="seconds without a byte before a request is tried again")
    attempts: int = Field(4, ge=1, description="tries of one request, with exponential backoff and jitter between them")


class LeaseSettings(Section):
    """One run at a time per lake."""

    expiry_s: float = Field(
        120.0, gt=0, description="seconds without a heartbeat after which a lease may be taken over"
    )
    heartbeat_s: float = Field(10.0, gt=0)


class DeadlineSettings(Section):
    """Seconds a stage's process may take before it gets SIGTERM, and SIGKILL `grace` seconds later."""

    crawl: float = Field(6 * 3600, gt=0)
    curate: float = Field(6 * 3600, gt=0)
    train: float = Field(6 * 3600, gt=0)
    export: float = Field(3600, gt=0)
    price: float = Field(3600, gt=0)
    publish: float = Field(3600, gt=0)
    report: float = Field(1800, gt=0)
    finetune: float = Field(18 * 3600, gt=0, description="less than a day: the next night wants the lake")
    grace: float = Field(10, gt=0)
