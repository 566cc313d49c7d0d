# plot.awk - turn a table of results into gnuplot's commands for one question:
# see plot in this directory.

BEGIN {
	LINE = 17        # from one bar to the next
	BAR = 12         # its height
	LETTER = 6.1     # the width of one, at most, on average
	MOST = 3         # a full bar is at most so many times rota's
	BARS = 165       # the full length
	VALUE = 104      # the space for the figures behind it
	TOP = 64         # of the first panel
	GAP = 26         # between two
	MARGIN = 16
	OURS = "#0072b2"
	ALSO_OURS = "#8fc1e3"
	LIMIT = "#4d4d4d"
	PEERS = "#c3c7cc"
}

/^# / {
	line = substr($0, 3)
	key = line
	sub(/:.*/, "", key)
	sub(/^[^:]*: /, "", line)
	about[key] = line
	next
}

$1 != question || $9 !~ /^[0-9.]/ { next }
$8 ~ /\/s$/ { next } # (1)

{
	panel = $2 SUBSEP $4
	if (!(panel in size)) {
		panels[++panel_count] = panel
		unit[panel] = $8
	}
	i = ++size[panel]
	subject[panel, i] = $3
	median[panel, i] = $5 + 0
	ratio[panel, i] = $9 + 0
	# A ratio of 1 that never varied is that of rota to itself.
	if (!(panel in ours) && $3 ~ /^rota/ && $9 == 1 && $10 == 0)
		ours[panel] = i
	has_cpu = has_cpu || $4 == "cpu"
	if (length($3) > longest)
		longest = length($3)
}

function quote(text) {
	gsub(/'/, "''", text)
	return "'" text "'"
}

function put(x, y, text, how) {
	printf "set label %s at %.1f, %.1f noenhanced %s\n", quote(text), x, y,
		how
}

function box(x, y, width, height, colour) {
	printf "set object rectangle from %.1f, %.1f to %.1f, %.1f " \
		"fillcolor rgb '%s' fillstyle solid noborder\n",
		x, y, x + width, y + height, colour
}

function line_down(x, from, to, colour) {
	printf "set arrow from %.1f, %.1f to %.1f, %.1f nohead " \
		"linewidth 1 linecolor rgb '%s' back\n", x, from, x, to, colour
}

function multiple(panel, i) { # (2)
	if (i == ours[panel])
		return 1
	if (ratio[panel, i] > 0)
		return 1 / ratio[panel, i]
	if (median[panel, ours[panel]] > 0)
		return median[panel, i] / median[panel, ours[panel]]
	return median[panel, i] > 0 ? MOST * 1000 : 1
}

function colour_of(panel, i) {
	if (i == ours[panel])
		return OURS
	if (subject[panel, i] ~ /^rota/)
		return ALSO_OURS
	return subject[panel, i] ~ /^limit/ ? LIMIT : PEERS
}

function figure(value) {
	if (value >= 100 || value == int(value))
		return sprintf("%d", value + 0.5)
	return sprintf(value >= 10 ? "%.1f" : "%.2f", value)
}

# The subjects of @panel in order[], the cheapest first.
function sort_subjects(panel, i, k) {
	for (i = 1; i <= size[panel]; i++) {
		for (k = i - 1; k >= 1 && \
		     multiple(panel, order[k]) > multiple(panel, i); k--)
			order[k + 1] = order[k]
		order[k + 1] = i
	}
}

function draw_bar(panel, i, x, y, times, length_, behind, mine) {
	times = multiple(panel, i)
	length_ = BARS * (times < full ? times : full) / full
	mine = i == ours[panel]
	put(x + labels, y + LINE / 2, subject[panel, i],
		"right font ',11' textcolor rgb " \
		(mine ? "'" OURS "'" : "'#222222'"))
	box(x + labels + 8, y + (LINE - BAR) / 2, length_, BAR,
		colour_of(panel, i))
	if (times > full) # the bar is broken off
		box(x + labels + 8 + length_ - 12, y, 3, LINE, "#ffffff")
	# The line at 1 crosses no text.
	behind = length_ > BARS / full ? length_ : BARS / full
	put(x + labels + 14 + behind, y + LINE / 2,
		(times < MOST * 1000 ? sprintf("%.2f", times) : "-") \
		"  (" figure(median[panel, i]) ")",
		"left font ',10' textcolor rgb '#444444'")
}

function draw_panel(panel, x, y, part, i) {
	split(panel, part, SUBSEP)
	put(x, y, part[1] ": " part[2] ", " unit[panel],
		"left font ',12' textcolor rgb '#000000'")
	y += LINE * 0.8
	sort_subjects(panel)
	for (i = 1; i <= size[panel]; i++)
		draw_bar(panel, order[i], x, y + (i - 1) * LINE)
	line_down(x + labels + 8 + BARS / full, y - 1,
		y + size[panel] * LINE + 1, "#0072b2")
}

# Which panels are drawn. (1)
function choose(i, panel, part) {
	for (i = 1; i <= panel_count; i++) {
		panel = panels[i]
		split(panel, part, SUBSEP)
		if ((panel in ours) && (!has_cpu || part[2] == "cpu"))
			chosen[++chosen_count] = panel
	}
}

# The length of the longest bar, as a multiple of rota's: as short as possible.
function scale(i, k, panel) {
	full = 1.5
	for (i = 1; i <= chosen_count; i++) {
		panel = chosen[i]
		for (k = 1; k <= size[panel]; k++)
			if (multiple(panel, k) > full)
				full = multiple(panel, k)
	}
	if (full > MOST)
		full = MOST
}

function height_of(row, columns, i, most) {
	for (i = row; i < row + columns && i <= chosen_count; i++)
		if (size[chosen[i]] > most)
			most = size[chosen[i]]
	return LINE * (most + 0.8) + GAP
}

END {
	choose()
	if (!chosen_count) {
		print "nothing to draw of " question >"/dev/stderr"
		exit 1
	}
	scale()
	columns = chosen_count > 3 ? 2 : 1
	labels = longest * LETTER
	column = labels + 8 + BARS + VALUE
	width = 2 * MARGIN + columns * column
	if (width < 2 * MARGIN + length(question ": " title) * 7.6)
		width = 2 * MARGIN + length(question ": " title) * 7.6
	height = TOP + 14
	for (i = 1; i <= chosen_count; i += columns)
		height += height_of(i, columns)

	printf "set terminal svg size %d,%d dynamic noenhanced " \
		"font 'Helvetica,Arial,sans-serif,11' background '#ffffff' " \
		"name '%s'\n", width, height, question
	printf "set output %s\n", quote(output)
	printf "set xrange [0:%d]\nset yrange [%d:0]\n", width, height
	print "set lmargin 0\nset rmargin 0\nset tmargin 0\nset bmargin 0"
	print "unset border\nunset tics\nunset key"

	put(MARGIN, 18, question ": " title,
		"left font ',15' textcolor rgb '#000000'")
	put(MARGIN, 38, "Bars: cost as a multiple of rota's (1.00); " \
		"shorter is better. In brackets: the median itself.",
		"left font ',11' textcolor rgb '#444444'")
	y = TOP
	for (i = 1; i <= chosen_count; i += columns) {
		for (k = 0; k < columns && i + k <= chosen_count; k++)
			draw_panel(chosen[i + k], MARGIN + k * column, y)
		y += height_of(i, columns)
	}
	put(MARGIN, height - 12, about["machine"] "; " about["kernel"] \
		"; commit " about["commit"] "; " about["figures"] " figures",
		"left font ',9' textcolor rgb '#777777'")
	print "plot -1 notitle"
}
