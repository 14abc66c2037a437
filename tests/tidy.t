#!/usr/bin/perl
#
# tidy.t
#		What a machine can hold of the house style, over every file of the tree.
#
# Each check is a function that gets a file's name and lines and returns what is wrong as "line: reason"; the table
# at the end says which files it looks at. The reasons behind the rules: a line that fits beside another in a review,
# a function that fits a head, calls that have a safe sister, and no object, file or test that nobody lists.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;

my $top = dirname(dirname(abs_path(__FILE__)));
chdir $top or die "can't enter $top: $!";

my $function_lines_max = 70;

# ---- what is there -----------------------------------------------------------------------------

# What the tree tracks, or will: generated and built files are neither.
sub files
{
	my @names = split /\0/, `git -c safe.directory='$top' ls-files -z --cached --others --exclude-standard 2>/dev/null`;
	@names = split /\0/, `find . -type f -not -path '*/.*' -printf '%P\\0'` if !@names;
	return sort grep { -f && !m{^(build|var)/|(^|/)node_modules/|_gen\.[ch]$} } @names;
}

my @files = files();
my %text;

sub text
{
	my ($name) = @_;
	$text{$name} //= do
	{
		open my $in, '<:raw', $name or die "can't read $name: $!";
		local $/;
		<$in> // '';
	};
	return $text{$name};
}

sub matching
{
	my ($pattern) = @_;
	return grep { $_ =~ $pattern } @files;
}

# The C text with comments and strings blanked out, line by line as before.
sub c_code
{
	my ($name) = @_;
	my $code = text($name);
	$code =~ s{(/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')}
		{ my $was = $1; $was =~ s/[^\n]/ /g; substr($was, 0, 1) = '"' if $was =~ /^ /; $was }gse;
	return $code;
}

# The SQL text without comments; strings and bodies stay.
sub sql_code
{
	my ($name) = @_;
	my $code = text($name);
	$code =~ s{(--[^\n]*|/\*.*?\*/)}{ my $was = $1; $was =~ s/[^\n]/ /g; $was }gse;
	return $code;
}

sub line_at
{
	my ($code, $offset) = @_;
	return 1 + (substr($code, 0, $offset) =~ tr/\n//);
}

# ---- checks of one file ------------------------------------------------------------------------

sub columns
{
	my ($line) = @_;
	utf8::decode($line);
	my $column = 0;
	$column += $_ eq "\t" ? 4 - $column % 4 : 1 for split //, $line;
	return $column;
}

# A line that is one string and nothing else may be long: a text is not broken for its width.
sub too_wide
{
	my ($name, $max) = @_;
	my @wrong;
	my $number = 0;
	for my $line (split /\n/, text($name))
	{
		$number++;
		next if length $line <= $max / 4 || $line =~ /^\s*E?'.*'[;,)]*$/ || $line =~ /^\s*".*"[;,)]*$/;
		my $columns = columns($line);
		push @wrong, "$number: $columns columns, not $max" if $columns > $max;
	}
	return @wrong;
}

sub untidy_text
{
	my ($name) = @_;
	my @wrong;
	my $text   = text($name);
	my $number = 0;
	for my $line (split /\n/, $text)
	{
		$number++;
		push @wrong, "$number: space at the end of the line" if $line =~ /[ \t]$/;
		push @wrong, "$number: carriage return"              if $line =~ /\r/;
	}
	push @wrong, "$number: no newline at the end of the file" if $text ne '' && $text !~ /\n\z/;
	return @wrong;
}

# Functions whose braces stand in the first column, as in C, and what opens one.
sub too_long_braces
{
	my ($name, $opens) = @_;
	my (@wrong, $since);
	my ($number, $before) = (0, '');
	for my $line (split /\n/, $name =~ /\.[ch]$/ ? c_code($name) : text($name))
	{
		$number++;
		$since = $number if !$since && $line =~ $opens && $before !~ /^(typedef|struct|enum|union)\b/;
		if ($since && $line =~ /^\}/)
		{
			my $length = $number - $since + 1;
			push @wrong, "$since: a function of $length lines" if $length > $function_lines_max;
			undef $since;
		}
		$before = $line if $line =~ /\S/;
	}
	return @wrong;
}

sub too_long_c      { return too_long_braces($_[0], qr/^\{/) }
sub too_long_script { return too_long_braces($_[0], qr/^(?:sub\s+\w+.*|\{|[a-z_]+\(\) \{$)/) }

sub too_long_sql
{
	my ($name) = @_;
	my @wrong;
	my $code = sql_code($name);
	while ($code =~ /\bAS\s+(\$\w*\$)(.*?)\g1/gsi)
	{
		my ($body, $at) = ($2, $-[0]);
		my $length = 1 + ($body =~ tr/\n//);
		push @wrong, line_at($code, $at) . ": a function of $length lines" if $length > $function_lines_max;
	}
	return @wrong;
}

my %banned = (
	sprintf  => 'snprintf',
	vsprintf => 'vsnprintf',
	strcpy   => 'strlcpy or ngx_cpystrn',
	strcat   => 'strlcat',
	strtok   => 'strchr or a loop of its own',
	gets     => 'fgets',
	atoi     => 'a parser that reports errors',
	atol     => 'a parser that reports errors',
	atoll    => 'a parser that reports errors',
	system   => 'nothing: no shell in a server',
	popen    => 'nothing: no shell in a server',
	alloca   => 'a bounded array or an allocation',
);

sub banned_calls
{
	my ($name) = @_;
	my @wrong;
	my $code = c_code($name);
	while ($code =~ /(?<![\w.>])(\w+)\s*\(/g)
	{
		my $call = $1;
		next if $name =~ m{^tests/} && $call =~ /^(ato|system)/;
		push @wrong, line_at($code, $-[0]) . ": $call: use $banned{$call}" if $banned{$call};
		push @wrong, line_at($code, $-[0]) . ": $call blocks or has no parameters" if $call =~ /^PQ(exec\w*|getssl)$/;
	}
	return @wrong;
}

# In the extension memory is PostgreSQL's, and time is the clock's, which a test can move.
sub banned_in_extension
{
	my ($name) = @_;
	my @wrong;
	my $code = c_code($name);
	while ($code =~ /(?<![\w.>])(malloc|calloc|realloc|free|strdup|printf|fprintf|exit|abort|sleep|usleep|time)\s*\(/g)
	{
		push @wrong, line_at($code, $-[0]) . ": $1 has no place inside PostgreSQL";
	}
	return @wrong if basename($name) =~ /^(clock|id|worker\w*)\.c$/;
	while ($code =~ /\b(GetCurrentTimestamp|GetCurrentTransactionStartTimestamp|gettimeofday|clock_gettime)\b/g)
	{
		push @wrong, line_at($code, $-[0]) . ": $1: only clock.c and id.c read the machine's clock";
	}
	return @wrong;
}

sub banned_in_module
{
	my ($name) = @_;
	my @wrong;
	my $code = c_code($name);
	while ($code =~ /(?<![\w.>])(malloc|calloc|realloc|free|strdup|printf|fprintf|exit|abort|sleep|usleep|PQcancel)\s*\(/g)
	{
		push @wrong, line_at($code, $-[0]) . ": $1 has no place inside nginx";
	}
	return @wrong;
}

# Each ereport of an error says its errcode; elog is for what cannot happen.
sub ereport_without_errcode
{
	my ($name) = @_;
	my @wrong;
	my $code = c_code($name);
	while ($code =~ /\bereport\s*(\((?:[^()]++|(?1))*\))/g)
	{
		my ($call, $at) = ($1, $-[0]);
		next if $call !~ /^\(\s*(?:ERROR|FATAL|PANIC|\w*elevel)\b/ || $call =~ /\berrcode\w*\s*\(|\bTHROW_|\berror_code\w*\(/;
		push @wrong, line_at($code, $at) . ': ereport without errcode';
	}
	return @wrong;
}

sub raise_without_errcode
{
	my ($name) = @_;
	my @wrong;
	my $code = sql_code($name);
	while ($code =~ /\bRAISE\s+(?:EXCEPTION\b|(?=[A-Z_]+\s*(?:USING|;))(?!NOTICE|WARNING|INFO|LOG|DEBUG))([^;]*);/gi)
	{
		my ($rest, $at) = ($1, $-[0]);
		push @wrong, line_at($code, $at) . ': RAISE without ERRCODE' if $rest !~ /\bERRCODE\b/i;
	}
	return @wrong;
}

# What a function's literal with a backslash means depends on who calls it, unless it is an E''.
sub backslash_in_literal
{
	my ($name) = @_;
	my @wrong;
	my $code = sql_code($name);
	while ($code =~ /(\w?)'((?:''|[^'])*)'/g)
	{
		push @wrong, line_at($code, $-[0]) . ": '$2' is not E'…'" if $1 ne 'E' && index($2, '\\') >= 0;
	}
	return @wrong;
}

# CREATE FUNCTION … up to the end of its statement: (offset, name, head without body, whole).
sub sql_functions
{
	my ($code) = @_;
	my @found;
	while ($code =~ /\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s+([\w.]+)\s*\(/gi)
	{
		my ($at, $name) = ($-[0], $1);
		my $rest = substr $code, $at;
		(my $head = $rest) =~ s/(\$\w*\$).*?\g1/ BODY /s;
		$head =~ s/;.*//s if $head =~ /\bBODY\b[^;]*;/ || $head =~ /\bLANGUAGE\s+c\b/i;
		$head =~ s/\bBEGIN\s+ATOMIC\b.*//si;
		push @found, [ $at, $name, $head ];
	}
	return @found;
}

sub definer_without_path
{
	my ($name) = @_;
	my @wrong;
	my $code = sql_code($name);
	for (sql_functions($code))
	{
		my ($at, $function, $head) = @$_;
		next if $head !~ /\bSECURITY\s+DEFINER\b/i;
		push @wrong, line_at($code, $at) . ": $function: SECURITY DEFINER without SET search_path = pg_catalog, pg_temp"
			if $head !~ /\bSET\s+search_path\s*(?:=|TO)\s*'?pg_catalog'?,\s*'?pg_temp'?/i;
	}
	return @wrong;
}

sub grants_to_public
{
	my ($name) = @_;
	my $code = sql_code($name);
	my @wrong;
	push @wrong, line_at($code, $-[0]) . ': a grant to PUBLIC' while $code =~ /\bGRANT\b[^;]*\bTO\s+PUBLIC\b/gi;
	return @wrong;
}

# Business time is boxoffice_code.clock(): a test moves it.
sub machine_clock_in_sql
{
	my ($name) = @_;
	my $code = sql_code($name);
	my @wrong;
	while ($code =~ /\b(now\s*\(\s*\)|current_timestamp|localtimestamp|current_date|(?:clock|statement|transaction)_timestamp)/gi)
	{
		push @wrong, line_at($code, $-[0]) . ": $1: use boxoffice_code.clock()";
	}
	return @wrong;
}

# What a DBA sees is commented, in the file that makes it.
sub objects_without_comment
{
	my ($name) = @_;
	my $code = sql_code($name);
	my @wrong;
	my %commented;
	$commented{ lc "$1" }++
		while $code =~ /\bCOMMENT\s+ON\s+(?:TABLE|VIEW|FUNCTION|PROCEDURE|SCHEMA|ROLE)\s+([\w.]+)/gi;
	while ($code =~ /\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:UNLOGGED\s+)?(?:TABLE|VIEW|FUNCTION|PROCEDURE)\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w.]+)/gi)
	{
		push @wrong, line_at($code, $-[0]) . ": $1 has no COMMENT" if !$commented{ lc $1 };
	}
	return @wrong;
}

# Nothing of the machine that it was written on.
sub machine_paths
{
	my ($name) = @_;
	my @wrong;
	my $number = 0;
	my $mark   = join '|', '/wor' . 'k/', '/hom' . 'e/\w', '/roo' . 't/', 'BEGIN [A-Z ]*PRIVATE ' . 'KEY';
	for my $line (split /\n/, text($name))
	{
		$number++;
		push @wrong, "$number: of one machine: $1" if $line =~ m{(?<![\w.\$\}\)*])($mark)};
	}
	return @wrong;
}

# A file opens with what it is responsible for.
sub no_opening_comment
{
	my ($name) = @_;
	my $text = text($name);
	$text =~ s/\A#![^\n]*\n//;
	$text =~ s/\Apackage [\w:]+;\n//;
	return $text =~ m{\A\s*(?:/\*|//|--|#|\\echo)} ? () : ('1: no comment says what this file is for');
}

sub shell_mistakes
{
	my ($name) = @_;
	return () if text($name) !~ /\A(?:#!.*\b(?:ba)?sh\b|# shellcheck shell=)/;
	my @wrong;
	push @wrong, '1: neither set -e nor sourced' if text($name) !~ /^set -e|^# shellcheck shell=/m;
	chomp(my @said = `shellcheck -x -P SCRIPTDIR -f gcc '$name' 2>&1`);
	push @wrong, map { s/^[^:]*://r } @said if $? != -1 && $? >> 8 != 127;
	return @wrong;
}

sub dead_links
{
	my ($name) = @_;
	my @wrong;
	my $text = text($name);
	while ($text =~ /\]\(([^)#\s]+)(?:#[^)]*)?\)/g)
	{
		my ($target, $at) = ($1, $-[0]);
		next if $target =~ /^[a-z]+:/;
		push @wrong, line_at($text, $at) . ": leads nowhere: $target" if !-e dirname($name) . "/$target";
	}
	return @wrong;
}

# ---- checks of the whole -----------------------------------------------------------------------

# One file alone calls libpq, and it is in the module.
sub libpq_in_one_file
{
	my @users = grep { c_code($_) =~ /\bPQ[a-z]\w*\s*\(|\bPGconn\b/ } matching(qr{^(nginx_module|pg_extension)/.*\.[ch]$});
	my @sources = grep { /\.c$/ } @users;
	return @sources <= 1 && !(grep { m{^pg_extension/} } @users)
		? () : map { "$_: libpq in more than one file" } @users;
}

# (files, the list that must name each, what of the file's name the list has)
sub unlisted
{
	my ($pattern, $list, $named) = @_;
	my @found = matching($pattern);
	return () if !@found;
	return ("$list: missing") if !-f $list;
	my $listed = text($list);
	return map { "$_: not in $list" } grep { my $n = $named->($_); $listed !~ /(?<![\w.-])\Q$n\E(?![\w-])/ } @found;
}

sub stem { return basename($_[0]) =~ s/\.\w+$//r }

sub files_without_list
{
	return (
		unlisted(qr{^sql/[a-z]+/(tables|functions|api|views|owner|grants|data)\.sql$}, 'sql/MANIFEST', sub { $_[0] =~ s{^sql/}{}r }),
		unlisted(qr{^tests/regress/sql/.*\.sql$},       'tests/regress/schedule',   \&stem),
		unlisted(qr{^tests/isolation/specs/.*\.spec$},  'tests/isolation/schedule', \&stem),
		unlisted(qr{^nginx_module/src/.*\.c$},          'nginx_module/config', \&basename),
	);
}

# A test that nothing runs: `make check` proves these folders, and builds every tests/unit/*.c.
sub tests_without_schedule
{
	return (
		(map { "$_: no schedule runs it" } grep { !m{^tests/(?:(?:http|fault|sim|deploy|client)/)?[^/]+\.t$} } matching(qr/\.t$/)),
		(map { "$_: has no expected output" } grep { my $s = stem($_); !-f "tests/regress/expected/$s.out" } matching(qr{^tests/regress/sql/})),
		(map { "$_: has no expected output" } grep { my $s = stem($_); !-f "tests/isolation/expected/$s.out" } matching(qr{^tests/isolation/specs/})),
		(map { "$_: has no control" } grep { my $s = stem($_); !has_control("tests/isolation/%s/$s.out") } matching(qr{^tests/isolation/specs/})),
	);
}

# A race has a control, without locks, that shows what they are for: its output is another one.
sub has_control
{
	my ($expected, $control) = map { sprintf $_[0], $_ } qw(expected control);
	return -f $control && text($control) ne text($expected);
}

# An output that was taken without the tests before it, on whose functions a test stands, expects their absence.
sub expected_without_setup
{
	my ($name) = @_;
	my @lines = split /\n/, text($name);
	return map { $_ + 1 . ": $lines[$_]" } grep { $lines[$_] =~ /schema "\w+_test" does not exist|syntax error at or near ":"/ } 0 .. $#lines;
}

# An image is built from what .dockerignore leaves of the tree, and from what the stage before made of it: a COPY of anything
# else fails only where there is an engine.
sub missing_in_image
{
	my ($name) = @_;
	my @ignored = map { s{^\*\*/}{(?:.*/)?}r =~ s{(?<![.)])\*}{[^/]*}gr } grep { /\S/ && !/^#/ } split /\n/, text("$name.dockerignore");
	my @context = grep { my $file = $_; !grep { $file =~ m{^$_(?:/|$)} } @ignored } @files;
	my @built   = qw(build/openapi.json build/ngx_http_boxoffice_module.so pg_extension/boxoffice.so);
	my $line    = 0;
	my @wrong;
	for (split /\n/, text($name) =~ s/\\\n/ \\/gr)
	{
		$line++;
		my ($from, $paths) = /^COPY (--from=\w+ )?(.*)/ or next;
		my @sources = grep { $_ ne '\\' } split ' ', $paths;
		pop @sources;
		for my $source (@sources)
		{
			my $path = $from ? $source =~ s{^/opt/boxoffice/}{}r : $source;
			next if $path eq '.' || $path =~ m{^/installed/};
			my $pattern = quotemeta($path) =~ s/\\\*/[^\/]*/gr;
			push @wrong, "$line: there is no $source to copy"
				if !grep { m{^$pattern(?:/|$)} } @context, $from ? @built : ();
		}
	}
	return @wrong;
}

# ---- which check looks at which files ----------------------------------------------------------

my $our_c  = qr{^(pg_extension|nginx_module)/.*\.[ch]$};
my $script = qr{^(conf|tests|sql|\.ci)/(?!.*\.(?:in|sql|c|h|md|json|yaml|out|spec|js|mjs|ts)$)};
my $sql    = qr{^(sql|pg_extension)/.*\.sql$};

my @checks = (
	[ 'nginx code is 80 columns wide',            qr{^nginx_module/.*\.[ch]$}, sub { too_wide($_[0], 80) } ],
	[ 'PostgreSQL C is 100 columns wide',         qr{^pg_extension/.*\.[ch]$}, sub { too_wide($_[0], 100) } ],
	[ 'SQL is 100 columns wide',                  $sql, sub { too_wide($_[0], 100) } ],
	[ 'no loose ends in a text',                  qr{\.(?:[chtm]|pm|sql|sh|md|ya?ml|in|spec|json)$|^(?:conf|sql)/[^.]*$|Makefile$}, \&untidy_text ],
	[ 'C functions are short',                    qr{\.[ch]$}, \&too_long_c ],
	[ 'SQL functions are short',                  $sql, \&too_long_sql ],
	[ 'functions of scripts are short',           $script, \&too_long_script ],
	[ 'no banned call',                           qr{\.[ch]$}, \&banned_calls ],
	[ 'no call that is foreign to PostgreSQL',    qr{^pg_extension/.*\.c$}, \&banned_in_extension ],
	[ 'no call that is foreign to nginx',         qr{^nginx_module/.*\.c$}, \&banned_in_module ],
	[ 'each ereport has its errcode',             qr{^pg_extension/.*\.[ch]$}, \&ereport_without_errcode ],
	[ 'each RAISE has its ERRCODE',               $sql, \&raise_without_errcode ],
	[ 'a backslash stands in an E string',        qr{^sql/[a-z]+/(?:functions|api|views|owner|catalog|finish)\.sql$}, \&backslash_in_literal ],
	[ 'each SECURITY DEFINER pins its path',      $sql, \&definer_without_path ],
	[ 'nothing is granted to PUBLIC',             $sql, \&grants_to_public ],
	[ 'SQL reads the clock that can be moved',    qr{^sql/[a-z]+/(?:functions|api|views)\.sql$}, \&machine_clock_in_sql ],
	[ 'each object has its COMMENT',              qr{^sql/[a-z]+/(?:tables|functions|api|views|owner)\.sql$}, \&objects_without_comment ],
	[ 'nothing of one machine',                   qr{(?<!package-lock\.json)$}, \&machine_paths ],
	[ 'each file says what it is for',            qr{^(?:pg_extension|nginx_module|sql|tests)/.*\.(?:[ch]|sql|t|pm)$}, \&no_opening_comment ],
	[ 'shell scripts stop at errors',             $script, \&shell_mistakes ],
	[ 'outputs are of whole runs',                qr{^tests/(?:regress|isolation)/\w+/.*\.out$}, \&expected_without_setup ],
	[ 'what an image copies is there',            qr{(?:^|/)Dockerfile$}, \&missing_in_image ],
	[ 'links lead somewhere',                     qr{\.md$}, \&dead_links ],
);

for (@checks)
{
	my ($title, $pattern, $check) = @$_;
	my @wrong;
	for my $name (matching($pattern))
	{
		push @wrong, map { "$name:$_" } $check->($name);
	}
	ok(!@wrong, $title) or diag(join "\n", @wrong);
}
for ([ 'one file alone calls libpq', \&libpq_in_one_file ],
	[ 'each file is in its list', \&files_without_list ],
	[ 'each test is run', \&tests_without_schedule ])
{
	my ($title, $check) = @$_;
	my @wrong = $check->();
	ok(!@wrong, $title) or diag(join "\n", @wrong);
}
done_testing();
