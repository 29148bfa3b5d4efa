"""Keys that Kafka has and the lab does not model; a scenario may hold them, without effect.

Source: `ProducerConfig`, `ConsumerConfig`, `TopicConfig`, `SslConfigs` and `SaslConfigs` in
apache/kafka, 2.x to 4.x, so that older production files are accepted too; CONFIGURATION.md in
confluentinc/librdkafka 2 for what that client alone has.
"""

_SECURITY = """
    sasl.client.callback.handler.class sasl.jaas.config sasl.kerberos.kinit.cmd
    sasl.kerberos.min.time.before.relogin sasl.kerberos.service.name
    sasl.kerberos.ticket.renew.jitter sasl.kerberos.ticket.renew.window.factor
    sasl.login.callback.handler.class sasl.login.class sasl.login.connect.timeout.ms
    sasl.login.read.timeout.ms sasl.login.refresh.buffer.seconds
    sasl.login.refresh.min.period.seconds sasl.login.refresh.window.factor
    sasl.login.refresh.window.jitter sasl.login.retry.backoff.max.ms sasl.login.retry.backoff.ms
    sasl.mechanism sasl.oauthbearer.assertion.algorithm sasl.oauthbearer.assertion.claim.aud
    sasl.oauthbearer.assertion.claim.exp.seconds sasl.oauthbearer.assertion.claim.iss
    sasl.oauthbearer.assertion.claim.jti.include sasl.oauthbearer.assertion.claim.nbf.seconds
    sasl.oauthbearer.assertion.claim.sub sasl.oauthbearer.assertion.file
    sasl.oauthbearer.assertion.private.key.file sasl.oauthbearer.assertion.private.key.passphrase
    sasl.oauthbearer.assertion.template.file sasl.oauthbearer.client.credentials.client.id
    sasl.oauthbearer.client.credentials.client.secret sasl.oauthbearer.clock.skew.seconds
    sasl.oauthbearer.expected.audience sasl.oauthbearer.expected.issuer
    sasl.oauthbearer.header.urlencode sasl.oauthbearer.jwks.endpoint.refresh.ms
    sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms
    sasl.oauthbearer.jwks.endpoint.retry.backoff.ms sasl.oauthbearer.jwks.endpoint.url
    sasl.oauthbearer.jwt.retriever.class sasl.oauthbearer.jwt.validator.class
    sasl.oauthbearer.scope sasl.oauthbearer.scope.claim.name sasl.oauthbearer.sub.claim.name
    sasl.oauthbearer.token.endpoint.url security.protocol security.providers ssl.cipher.suites
    ssl.enabled.protocols ssl.endpoint.identification.algorithm ssl.engine.factory.class
    ssl.key.password ssl.keymanager.algorithm ssl.keystore.certificate.chain ssl.keystore.key
    ssl.keystore.location ssl.keystore.password ssl.keystore.type ssl.protocol ssl.provider
    ssl.secure.random.implementation ssl.trustmanager.algorithm ssl.truststore.certificates
    ssl.truststore.location ssl.truststore.password ssl.truststore.type
"""

_CLIENT = """
    auto.include.jmx.reporter bootstrap.resolve.timeout.ms bootstrap.servers client.dns.lookup
    client.id config.providers
    connections.max.idle.ms enable.metrics.push interceptor.classes
    metadata.recovery.rebootstrap.trigger.ms metadata.recovery.strategy metric.reporters
    metrics.num.samples metrics.recording.level metrics.sample.window.ms receive.buffer.bytes
    reconnect.backoff.max.ms reconnect.backoff.ms request.timeout.ms retry.backoff.max.ms
    retry.backoff.ms send.buffer.bytes socket.connection.setup.timeout.max.ms
    socket.connection.setup.timeout.ms
"""

PRODUCER = tuple(
    key
    for key in f"""
    {_SECURITY} {_CLIENT}
    compression.gzip.level compression.lz4.level compression.type compression.zstd.level
    key.serializer max.request.size metadata.max.idle.ms partitioner.adaptive.partitioning.enable
    partitioner.availability.timeout.ms partitioner.class partitioner.ignore.keys
    transaction.two.phase.commit.enable value.serializer
    """.split()
    if key not in ("request.timeout.ms", "retry.backoff.max.ms", "retry.backoff.ms")
)
"""Keys of the producer."""

CONSUMER = tuple(
    f"""
    {_SECURITY} {_CLIENT}
    allow.auto.create.topics check.crcs client.rack default.api.timeout.ms
    exclude.internal.topics fetch.max.bytes group.id
    key.deserializer
    share.acknowledgement.mode
    share.acquire.mode value.deserializer
    """.split()
)
"""Keys of the consumer."""

_TOPIC = """
    cleanup.policy compression.gzip.level compression.lz4.level compression.type
    compression.zstd.level delete.retention.ms file.delete.delay.ms flush.messages flush.ms
    follower.replication.throttled.replicas index.interval.bytes
    leader.replication.throttled.replicas local.retention.bytes local.retention.ms
    max.compaction.lag.ms max.message.bytes message.downconversion.enable message.format.version
    message.timestamp.after.max.ms message.timestamp.before.max.ms
    message.timestamp.difference.max.ms message.timestamp.type min.cleanable.dirty.ratio
    min.compaction.lag.ms preallocate remote.copy.lag.bytes
    remote.copy.lag.ms remote.log.copy.disable remote.log.delete.on.disable
    remote.storage.enable segment.index.bytes segment.jitter.ms unclean.leader.election.enable
"""

TOPIC = tuple(_TOPIC.split())
"""Keys of the topic."""

_LIBRDKAFKA_CLIENT = """
    api.version.fallback.ms api.version.request api.version.request.timeout.ms
    broker.address.family broker.address.ttl broker.version.fallback builtin.features debug
    enable.random.seed enable.sasl.oauthbearer.unsecure.jwt enable.ssl.certificate.verification
    enabled_events https.ca.location https.ca.pem internal.termination.signal
    log.connection.close log.queue log.thread.name log_level max.in.flight message.copy.max.bytes
    message.max.bytes metadata.broker.list plugin.library.paths receive.message.max.bytes
    reconnect.backoff.jitter.ms sasl.kerberos.keytab sasl.kerberos.principal sasl.mechanisms
    sasl.oauthbearer.assertion.jwt.template.file sasl.oauthbearer.assertion.private.key.pem
    sasl.oauthbearer.client.id sasl.oauthbearer.client.secret sasl.oauthbearer.config
    sasl.oauthbearer.extensions sasl.oauthbearer.grant.type
    sasl.oauthbearer.metadata.authentication.type sasl.oauthbearer.method sasl.password
    sasl.username socket.blocking.max.ms socket.keepalive.enable socket.max.fails
    socket.nagle.disable socket.receive.buffer.bytes socket.send.buffer.bytes socket.timeout.ms
    ssl.ca.certificate.stores ssl.ca.location ssl.ca.pem ssl.certificate.location
    ssl.certificate.pem ssl.crl.location ssl.curves.list ssl.engine.id ssl.engine.location
    ssl.key.location ssl.key.pem ssl.providers ssl.sigalgs.list statistics.interval.ms
    topic.blacklist topic.metadata.propagation.max.ms topic.metadata.refresh.fast.cnt
    topic.metadata.refresh.fast.interval.ms topic.metadata.refresh.sparse
"""

LIBRDKAFKA_PRODUCER = tuple(
    f"""
    {_LIBRDKAFKA_CLIENT}
    compression.codec compression.level delivery.report.only.error enable.gapless.guarantee
    partitioner produce.offset.report queue.buffering.backpressure.threshold queuing.strategy
    sticky.partitioning.linger.ms
    """.split()
)
"""Other keys of the producer that only librdkafka has (its CONFIGURATION.md)."""

LIBRDKAFKA_CONSUMER = tuple(
    f"""
    {_LIBRDKAFKA_CLIENT}
    auto.commit.enable consume.callback.max.messages coordinator.query.interval.ms
    enable.partition.eof fetch.error.backoff.ms fetch.queue.backoff.ms group.protocol.type
    offset.store.method offset.store.path offset.store.sync.interval.ms queued.max.messages.kbytes
    queued.min.messages
    """.split()
)
"""Keys of the consumer that only librdkafka has."""

PRODUCER_NAMES = {
    "max.in.flight": "max.in.flight.requests.per.connection",
    "message.send.max.retries": "retries",
    "message.timeout.ms": "delivery.timeout.ms",
    "queue.buffering.max.ms": "linger.ms",
    "request.required.acks": "acks",
}
"""librdkafka's own names of keys of the producer, and the names that the lab reads."""

CONSUMER_NAMES = {
    "fetch.message.max.bytes": "max.partition.fetch.bytes",
    "fetch.wait.max.ms": "fetch.max.wait.ms",
}
"""Likewise of the consumer."""


def other_names(names: dict[str, str]) -> dict[str, str]:
    """What to say of each name that the lab does not read."""
    return {name: f"write {key!r}, its other name" for name, key in names.items()}
