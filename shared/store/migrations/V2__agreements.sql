-- Communication parties under the registries' own name, their certificates, and what was agreed with them.

alter table dialogpost.party rename to communication_party;
alter index dialogpost.party_pkey rename to communication_party_pkey;

-- X.509, each once however many agreements name it; what it may be used for is read out of it when it comes in.
create table dialogpost.certificate (
    fingerprint bytea primary key check (length(fingerprint) = 32),
    der bytea not null,
    subject text not null,
    thumbprint text not null,
    signing boolean not null,
    encryption boolean not null,
    not_before timestamptz not null,
    not_after timestamptz not null
);

-- Published for a party itself, and who said so.
create table dialogpost.party_certificate (
    her_id bigint not null references dialogpost.communication_party on delete cascade,
    fingerprint bytea not null references dialogpost.certificate,
    source text not null check (source in ('setup')),
    primary key (her_id, fingerprint, source)
);

-- Agreements (CPA) between two parties and profiles (CPP) of one. The parties of an agreement stand in the order of their HER-ids, so
-- that a pair is found from either side.
create table dialogpost.agreement (
    id uuid primary key,
    kind text not null check (kind in ('cpa', 'cpp')),
    status text,
    starts_at timestamptz,
    ends_at timestamptz,
    party bigint not null,
    counterpart bigint,
    document jsonb not null,
    imported_at timestamptz not null default now(),
    check ((kind = 'cpa' and counterpart is not null and party < counterpart) or (kind = 'cpp' and counterpart is null))
);
create index agreement_of_pair on dialogpost.agreement (party, counterpart) where kind = 'cpa';
create index agreement_of_counterpart on dialogpost.agreement (counterpart) where kind = 'cpa';
create unique index agreement_profile on dialogpost.agreement (party) where kind = 'cpp';

create table dialogpost.agreement_certificate (
    agreement uuid not null references dialogpost.agreement on delete cascade,
    her_id bigint not null,
    fingerprint bytea not null references dialogpost.certificate,
    primary key (agreement, her_id, fingerprint)
);
