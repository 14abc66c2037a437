package Boxoffice::OpenApi;

# Holds every answer against the OpenAPI document: the operation must declare the status, its media type
# and headers, and the body must fit the schema to the last member.

use v5.36;
use Boxoffice::Schema qw(schema_faults);
use Cpanel::JSON::XS  ();

# new(file): the document that the build made.
sub new ($class, $file) {
	open my $in, '<:raw', $file or die "$file: $!\n";
	local $/;
	my $self = bless { document => Cpanel::JSON::XS->new->utf8->decode(<$in>), checked => 0, seen => {} }, $class;
	for my $path (sort keys %{ $self->{document}{paths} }) {
		my $pattern = join '', map { /^\{/ ? '[^/]+' : quotemeta } split /(\{[^}]*\})/, $path;
		push @{ $self->{routes} }, [ qr/^$pattern\z/, $path ];
	}
	# A path with fewer parameters is the closer one: /events/{event}.svg before /events/{event}.
	$self->{routes} = [ sort { ($a->[1] =~ tr/{//) <=> ($b->[1] =~ tr/{//) or length $b->[1] <=> length $a->[1] }
			@{ $self->{routes} } ];
	return $self;
}

# The path template that the target belongs to, or undef.
sub path ($self, $target) {
	my $path = $target =~ s/\?.*//sr;
	for my $route (@{ $self->{routes} }) { return $route->[1] if $path =~ $route->[0] }
	return;
}

# What is wrong with the answer to the request: a list of sentences.
sub faults ($self, $method, $target, $answer) {
	$self->{checked}++;
	my @faults;
	my $status = $answer->status;
	push @faults, "status $status is a fault of the server"
		if $status >= 500 and $answer->code !~ /^(unavailable|queue_full|outcome_unknown|reclaiming|lock_timeout|contract_mismatch|deadline)$/;
	push @faults, $self->_problem_faults($answer) if $status >= 400;
	my $path      = $self->path($target);
	my $item      = defined $path ? $self->{document}{paths}{$path} : undef;
	my $operation = $item ? $item->{ lc $method } // ($method eq 'HEAD' ? $item->{get} : undef) : undef;
	push @faults, $self->_operation_faults($method, $operation, $answer)
		if $operation and $answer->code !~ /^(bad_request|headers_too_large)$/;
	return @faults;
}

# What every refusal has, of whatever route.
sub _problem_faults ($self, $answer) {
	my @faults;
	my ($status, $type) = ($answer->status, $answer->header('Content-Type') // 'none');
	return "a refusal ($status) of type $type" unless $type =~ m{^application/problem\+json(;|\z)};
	return if $answer->body eq '';    # HEAD
	my $problem = $answer->json;
	push @faults, "the problem says status $problem->{status}, the answer $status" if ($problem->{status} // 0) != $status;
	push @faults, "a $status without Retry-After"
		if $status == 503 || $status == 429 and !defined $answer->header('Retry-After');
	my $schema = $self->{document}{components}{schemas}{Problem};
	push @faults, schema_faults($problem, $schema, $self->{document}) if $schema;
	push @faults, "has no code, sqlstate, retry or request_id"
		if grep { !defined $problem->{$_} } qw(type title code sqlstate retry request_id);
	return @faults;
}

sub _operation_faults ($self, $method, $operation, $answer) {
	my $status    = $answer->status;
	my $responses = $operation->{responses};
	my $response  = $responses->{$status} // $responses->{ substr($status, 0, 1) . 'XX' } // $responses->{default}
		or return "$operation->{operationId} does not declare a $status";
	$response = Boxoffice::Schema::schema_resolve($self->{document}, $response->{'$ref'}) if $response->{'$ref'};
	$self->{seen}{ $operation->{operationId} }{$status}++;
	my @faults = $self->_header_faults($response, $answer);
	return @faults if $method eq 'HEAD';
	my $content = $response->{content};
	if (!$content or !%$content) {
		push @faults, "a body where $operation->{operationId} declares none" if length $answer->body;
		return @faults;
	}
	my $type  = lc(($answer->header('Content-Type') // '') =~ s/;.*//sr);
	my $media = $content->{$type} or return @faults, "type '$type' is not declared for $status";
	if ($type =~ m{[/+]json\z}) {
		return @faults, $@ unless eval { $answer->json; 1 };
		push @faults, schema_faults($answer->json, $media->{schema} // 1, $self->{document});
	}
	return @faults;
}

sub _header_faults ($self, $response, $answer) {
	my @faults;
	for my $name (sort keys %{ $response->{headers} // {} }) {
		my $header = $response->{headers}{$name};
		$header = Boxoffice::Schema::schema_resolve($self->{document}, $header->{'$ref'}) if $header->{'$ref'};
		my $value = $answer->header($name);
		if (!defined $value) { push @faults, "has no header $name" if $header->{required}; next }
		my $schema = $header->{schema} or next;
		$value += 0 if ($schema->{type} // '') eq 'integer' and $value =~ /^\d+\z/;
		push @faults, map { "header $name$_" } schema_faults($value, $schema, $self->{document});
	}
	return @faults;
}

1;
